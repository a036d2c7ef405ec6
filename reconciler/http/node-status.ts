// POST /api/v1/edge-nodes/me/status: a node says how it is and announces its public keys. Law: nothing unbounded gets in, and only
// the machine whose keys are bound to the slot speaks for it.
import type { Request, Response } from 'express';
import type { BackendView, PeerView, StatusAnswer, StatusReport, VisitorAnswer } from '../../bundle/api.ts';
import { validateStatusReport } from '../../bundle/api-schema.ts';
import { POST_BYTES_MAX } from '../../bundle/limits.ts';
import { type Judgement, judgeReport } from '../core/announcement.ts';
import type { BoundEnrolment } from '../ports/store.ts';
import { createAddressPace } from './address-pace.ts';
import { authenticate, refuse } from './answer.ts';
import { readJson } from './body.ts';
import type { HttpDeps } from './deps.ts';
import { createRotations } from './rotations.ts';

export function nodeStatusHandler(deps: HttpDeps): (request: Request, response: Response) => Promise<void> {
  const { reports, served, log } = deps;
  const rotations = createRotations(deps);
  const addresses = createAddressPace(deps);
  return async (request, response) => {
    const caller = authenticate(request, response, deps);
    if (!caller) return;
    const body = await readJson(request, response, POST_BYTES_MAX);
    if (body === undefined) return;
    const problem = validateStatusReport(body);
    if (problem !== undefined) return refuse(response, 422, { error: 'bad_report', message: problem });

    const { node, role, generation, tokenSha256 } = caller;
    const slot = { node, role, generation, tokenSha256, pins: served.pins(node) };
    const [bound, newest] = [reports.enrolment(node), reports.newest(node)];
    const judgement = judgeReport(bound, slot, body as StatusReport, newest, servedEnrolments(deps));
    if (judgement.kind === 'refused' || judgement.kind === 'older') {
      answer(response, refusalOf(node, judgement, deps));
      return;
    }
    const { reason } = judgement;
    const next = bound && judgement.kind !== 'bind' ? addresses.admit(bound, judgement.bound) : judgement.bound;
    const kind = next === bound ? 'unchanged' : judgement.kind;
    // Before anything is waited for: another post may be judged meanwhile.
    reports.hear(node, (body as StatusReport).sequence!);
    if (kind !== 'unchanged') {
      await reports.bind(next);
      if (kind === 'bind') reports.refused.forget(node);
      log.info({ node, reason }, kind === 'bind' ? 'a node is bound' : 'a node announced other facts');
    }
    await reports.save(node, known(body as StatusReport, next.enrolment), deps.clock().getTime());
    deps.onReport();
    if (kind !== 'unchanged') deps.onEnrolment();
    const rotation = rotations.answerTo(slot, next.enrolment);
    answer(response, { bound: true, ...(rotation && { rotation }) });
  };
}

/** A machine that was renamed in git brings the keys that its old slot is bound to. Read only where keys are new. */
function* servedEnrolments({ served, reports }: Pick<HttpDeps, 'served' | 'reports'>): Generator<BoundEnrolment> {
  for (const bound of reports.enrolments()) if (served.node(bound.node) !== undefined) yield bound;
}

/** What was refused is counted every time, and said once. */
function refusalOf(
  node: string,
  judgement: Extract<Judgement, { kind: 'refused' | 'older' }>,
  { reports, metrics, log, clock }: HttpDeps,
): StatusAnswer {
  const { reason } = judgement;
  metrics.refusedAnnouncement();
  if (reports.refused.add(node, reason, clock().getTime())) log.warn({ node, reason }, 'an announcement is refused');
  return { bound: false, reason, ...(judgement.kind === 'older' && { newest: judgement.newest }) };
}

function answer(response: Response, body: StatusAnswer): void {
  if (!response.closed) response.json(body);
}

/** Only the members that have a meaning are kept; a newer agent may send more. */
function known(report: StatusReport, enrolment: StatusReport['enrolment']): StatusReport {
  const {
    agentVersion,
    state,
    stateSince,
    reason,
    rootVersion,
    offered,
    applied,
    lkg,
    error,
    quarantined,
    certificates,
    answers,
    checks,
    backends,
    backendsDecided,
    tunnels,
    restored,
    sequence,
  } = report;
  return {
    agentVersion,
    state,
    ...(stateSince !== undefined && { stateSince }),
    ...(reason !== undefined && { reason }),
    ...(rootVersion !== undefined && { rootVersion }),
    ...(offered !== undefined && { offered }),
    ...(applied !== undefined && { applied }),
    ...(lkg !== undefined && { lkg }),
    ...(error !== undefined && { error: { stage: error.stage, code: error.code, detail: error.detail } }),
    ...(quarantined && { quarantined: quarantined.map(({ hostname, reason }) => ({ hostname, reason })) }),
    ...(certificates && { certificates: certificates.map(knownCertificate) }),
    ...(answers && { answers: answers.map(knownAnswer) }),
    ...(checks && { checks: checks.map(knownView) }),
    ...(backends && { backends: backends.map(knownBackend) }),
    ...(backendsDecided !== undefined && { backendsDecided }),
    ...(tunnels && { tunnels: tunnels.map(({ node, handshakeAgeSeconds }) => ({ node, handshakeAgeSeconds })) }),
    ...(restored && { restored: { at: restored.at, what: restored.what } }),
    ...(sequence !== undefined && { sequence }),
    enrolment,
  };
}

function knownCertificate({ hostname, notAfter, ending, exposed }: NonNullable<StatusReport['certificates']>[number]) {
  return { hostname, notAfter, ...(ending !== undefined && { ending }), ...(exposed !== undefined && { exposed }) };
}

function knownAnswer({ hostname, status, failure, since }: VisitorAnswer): VisitorAnswer {
  return { hostname, ...(status !== undefined && { status }), ...(failure !== undefined && { failure }), since };
}

function knownView({ node, up, since, reason }: PeerView): PeerView {
  return { node, up, since, ...(reason !== undefined && { reason }) };
}

function knownBackend(view: BackendView): BackendView {
  const { address, port, check, hostname, script, up, since, reason, withdrawn } = view;
  return {
    ...{ address, port, check },
    ...(hostname !== undefined && { hostname }),
    ...(script !== undefined && { script }),
    ...{ up, since },
    ...(reason !== undefined && { reason }),
    ...(withdrawn && { withdrawn }),
  };
}
