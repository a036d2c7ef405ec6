// POST /api/v1/edge-nodes/me/status: a node says how it is and announces its public keys. Law: nothing unbounded gets in, and only
// the machine whose keys are bound to the slot speaks for it.
import type { Request, Response } from 'express';
import type { StatusAnswer, StatusReport, VisitorAnswer } from '../../bundle/api.ts';
import { validateStatusReport } from '../../bundle/api-schema.ts';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import { bindEnrolment } from '../core/enrolment.ts';
import { authenticate, refuse } from './answer.ts';
import { readJson } from './body.ts';
import type { HttpDeps } from './deps.ts';

export function nodeStatusHandler(deps: HttpDeps): (request: Request, response: Response) => Promise<void> {
  const { reports, served, log } = deps;
  return async (request, response) => {
    const caller = authenticate(request, response, deps);
    if (!caller) return;
    const body = await readJson(request, response, POST_BYTES_MAX);
    if (body === undefined) return;
    const problem = validateStatusReport(body);
    if (problem !== undefined) return refuse(response, 422, { error: 'bad_report', message: problem });

    const { node, role, generation, tokenSha256 } = caller;
    const slot = { node, role, generation, tokenSha256, pins: served.pins(node) };
    const binding = bindEnrolment(reports.enrolment(node), slot, (body as StatusReport).enrolment);
    if (binding.kind === 'refused') {
      if (reports.refused(node) !== binding.reason)
        log.warn({ node, reason: binding.reason }, 'an announcement is refused');
      reports.refuse(node, binding.reason);
      answer(response, { bound: false, reason: binding.reason });
      return;
    }
    reports.refuse(node, undefined);
    if (binding.kind !== 'unchanged') {
      await reports.bind(binding.bound);
      log.info(
        { node, reason: binding.reason },
        binding.kind === 'bind' ? 'a node is bound' : 'a node announced other facts',
      );
    }
    const report = known(body as StatusReport, binding.bound.enrolment);
    await reports.save(node, report, deps.clock().getTime());
    deps.onReport();
    if (binding.kind !== 'unchanged') deps.onEnrolment();
    answer(response, { bound: true });
  };
}

function answer(response: Response, body: StatusAnswer): void {
  if (!response.closed) response.json(body);
}

/** Only the members that have a meaning are kept; a newer agent may send more. */
function known(report: StatusReport, enrolment: StatusReport['enrolment']): StatusReport {
  const { agentVersion, state, offered, applied, lkg, error, quarantined, certificates, answers, tunnels } = report;
  return {
    agentVersion,
    state,
    ...(offered !== undefined && { offered }),
    ...(applied !== undefined && { applied }),
    ...(lkg !== undefined && { lkg }),
    ...(error !== undefined && { error: { stage: error.stage, code: error.code, detail: error.detail } }),
    ...(quarantined && { quarantined: quarantined.map(({ hostname, reason }) => ({ hostname, reason })) }),
    ...(certificates && { certificates: certificates.map(({ hostname, notAfter }) => ({ hostname, notAfter })) }),
    ...(answers && { answers: answers.map(knownAnswer) }),
    ...(tunnels && { tunnels: tunnels.map(({ node, handshakeAgeSeconds }) => ({ node, handshakeAgeSeconds })) }),
    enrolment,
  };
}

function knownAnswer({ hostname, status, failure, since }: VisitorAnswer): VisitorAnswer {
  return { hostname, ...(status !== undefined && { status }), ...(failure !== undefined && { failure }), since };
}
