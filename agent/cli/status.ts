// `kokoa-agent status`: what this node is, what it serves, and what it waits for, from its own disk and kernel. It asks nobody.
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { memberFingerprint } from '../../bundle/fingerprint.ts';
import { createCaStandingFile } from '../adapters/ca-standing-file.ts';
import { metricsText } from '../adapters/metrics-text.ts';
import { openRecipientBook } from '../adapters/recipient-book.ts';
import { openRotationDesk } from '../adapters/rotation-desk.ts';
import { isLocked } from '../adapters/state-lock.ts';
import { describeNode, type Reading } from '../describe.ts';
import type { RecipientsReading } from '../describe-recipients.ts';
import { measureNode } from '../measure.ts';
import type { Node } from '../node.ts';
import { agentCommand } from './agent-command.ts';
import { openJoined } from './open-joined.ts';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('say what this node serves, its tunnels and its certificates')
    .addOption(
      new Option('-o, --output <format>', 'how to say it; metrics is Prometheus text')
        .choices(['text', 'json', 'metrics'])
        .default('text'),
    )
    .action(async ({ output }: { output: string }) => {
      const stateDir = resolve(program.opts<{ state: string }>().state);
      const node = await openJoined(stateDir);
      const reading = await readNode(node, stateDir);
      await node.control.close();
      console.log(await said(reading, output));
    });
}

async function said(reading: Reading, output: string): Promise<string> {
  if (output === 'metrics') return (await metricsText(measureNode(reading))).trimEnd();
  const { facts, lines } = describeNode(reading);
  return output === 'json' ? JSON.stringify(facts, undefined, 2) : lines.join('\n');
}

async function readNode(node: Node, stateDir: string): Promise<Reading> {
  const { trusted, edge } = node.machine;
  const [lkg, accepted, serving, { held }, tunnel, droppedByOthers, agentRuns, visits, standing] = await Promise.all([
    trusted.lastKnownGood(),
    trusted.accepted(),
    edge?.web.serving(),
    node.certificateStore.list(),
    // Only root may read it; everything else can be said without.
    node.network?.read().catch(() => undefined),
    node.network?.droppedByOthers().catch(() => 0),
    isLocked(stateDir),
    node.visitsStore.read(),
    node.standing.read(),
  ]);
  return {
    ...{ lkg, accepted, serving, tunnel, agentRuns, standing, agentVersion: node.version },
    startedBy: agentCommand(stateDir, 'run'),
    rootVersion: await trusted.rootVersion().catch(() => 0),
    droppedByOthers: droppedByOthers ?? 0,
    node: node.settings.node,
    fingerprint: node.keys.fingerprint,
    certificates: held,
    answers: visits.flatMap(({ answer }) => answer ?? []),
    usesTunnel: node.network !== undefined,
    ...(await readRecipients(node, stateDir)),
    caFallbackSinceMs: (await createCaStandingFile(stateDir).read())?.fellBackMs,
    rotation: await openRotationDesk(stateDir).progress(),
    allow: node.settings.allow,
    restored: (await node.standing.read())?.restored,
    nowMs: Date.now(),
  };
}

async function readRecipients({ keys, settings }: Node, stateDir: string): Promise<RecipientsReading> {
  // After join, before a first configuration was applied, the settings alone say what the machine is for.
  if (settings.role !== 'edge') return {};
  return {
    poolFingerprint: memberFingerprint(keys.publicPart()),
    recipient: keys.publicPart().recipient,
    strangers: (await openRecipientBook(stateDir).load())?.strangers ?? [],
    approvalIsRequired: settings.approveRecipients === true,
    approvedBy: agentCommand(stateDir, 'approve'),
  };
}
