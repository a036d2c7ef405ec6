// Damage of every file of an edge's state directory, one by one and all together, while the agent is away. Law: nothing older gets in, and
// the agent comes to the newest bundle by itself; only where secrets or settings are lost a person is asked, and told what to do.
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '../../../lab/random.ts';
import { judgeOlder } from './edge-state.ts';
import { DAMAGES, harm } from './harm.ts';
import { type Offer, openSweptEdge, type SweptEdge } from './swept-edge.ts';
import { shapeOf } from './traced-calls.ts';
import { until } from './until.ts';

/** Without these a machine is nobody: it cannot know who it was. File → what the agent says; without a token it serves on meanwhile. */
const FOR_A_PERSON: Readonly<Record<string, RegExp>> = {
  'settings.json': /\((not_joined|settings_invalid)\)\n {2}\S[^`]*`kokoa-agent join/,
  token: /bearer token|state\/token|^applied/m,
  'wireguard.key': /\((key_damaged|secret_unreadable)\)\n {2}\S/,
  'signing.key': /\((key_damaged|secret_unreadable)\)\n {2}\S/,
  'identity.key': /\((key_damaged|secret_unreadable)\)\n {2}\S/,
};
/** The web server's own, certbot's own, and what a person imported: the agent does not make them again. */
const NOT_LOOKED_AT = /^(run|acme|certs)\//;

export interface DamageSwept {
  tried: number;
  failures: string[];
}

/** `every`: of the single damages, every so many. */
export async function sweepDamage(every: number, random: Random, say: (line: string) => void): Promise<DamageSwept> {
  const edge = await openSweptEdge();
  const swept: DamageSwept = { tried: 0, failures: [] };
  const attempt = async (what: string, work: () => Promise<void>) => {
    swept.tried += 1;
    await work().catch((error: Error) => {
      swept.failures.push(`${what}: ${error.message}`);
      say(`FAILED damage of ${swept.failures.at(-1)}`);
    });
  };
  let older: Offer | undefined;
  let newest = edge.first;
  const recovers = async (damage: () => Promise<void>) => {
    const offer = await edge.publish();
    await damage();
    await comesTo(edge, offer, older);
    [older, newest] = [newest, offer];
  };
  const damageAll = async (damage: (typeof DAMAGES)[number], isMeant: (shape: string) => boolean) => {
    for (const file of await filesOf(edge.stateDir))
      if (isMeant(shapeOf(file))) await harm(join(edge.stateDir, file), damage);
  };
  try {
    for (let n = 0; n < 3; n += 1) await recovers(async () => undefined);
    const shapes = [...new Set((await filesOf(edge.stateDir)).map(shapeOf))];
    const own = shapes.filter((shape) => !(shape in FOR_A_PERSON));
    say(`damage: of ${shapes.length} kinds of files, ${DAMAGES.length} kinds`);
    for (const damage of DAMAGES)
      await attempt(`everything, ${damage}`, () => recovers(() => damageAll(damage, (shape) => own.includes(shape))));
    const singles = own.flatMap((file) => DAMAGES.map((damage) => ({ file, damage })));
    for (const { file, damage } of random.shuffled(singles).slice(0, Math.ceil(singles.length / every)))
      await attempt(`${file}, ${damage}`, () => recovers(() => damageAll(damage, (shape) => shape === file)));
    for (const file of Object.keys(FOR_A_PERSON))
      for (const damage of DAMAGES) await attempt(`${file}, ${damage}`, () => asksAPerson(edge, file, damage));
    await attempt('nothing', () => recovers(async () => undefined));
  } finally {
    await edge.close();
  }
  return swept;
}

/** @throws Error unless the older bundle is refused, and the agent applies the newest */
async function comesTo(edge: SweptEdge, offer: Offer, older: Offer | undefined): Promise<void> {
  if (older) await judgeOlder(edge, older);
  const agent = await edge.startAgent();
  const isApplied = () => {
    const report = edge.plane.reports.at(-1);
    return report?.state === 'applied' && report.applied === offer.hash && report.lkg === offer.hash;
  };
  const told = () => `${JSON.stringify(edge.plane.reports.at(-1)?.error)} ${agent.said().slice(-2_000)}`;
  try {
    await until('the newest bundle is applied', () => isApplied() || agent.hasEnded(), told);
    if (agent.hasEnded()) throw new Error(`it does not start: ${agent.said().slice(-1_000)}`);
  } finally {
    await agent.stop();
  }
}

/** @throws Error unless the agent ends and says what to do */
async function asksAPerson(edge: SweptEdge, file: string, damage: (typeof DAMAGES)[number]): Promise<void> {
  const [path, aside] = [join(edge.stateDir, file), join(edge.top, 'aside')];
  await copyFile(path, aside);
  await harm(path, damage);
  try {
    const program = await edge.command(edge.stateDir, ['once']);
    await until('it ends', () => program.hasEnded(), program.said).finally(() => program.stop());
    if (!FOR_A_PERSON[file]?.test(program.said())) throw new Error(`it says: ${program.said().slice(-1_000)}`);
  } finally {
    await rm(path, { recursive: true, force: true });
    await copyFile(aside, path);
  }
}

/** Files and links, and nothing below a link. */
async function filesOf(stateDir: string): Promise<string[]> {
  const entries = await readdir(stateDir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name).slice(stateDir.length + 1))
    .filter((path) => !NOT_LOOKED_AT.test(path))
    .sort();
}
