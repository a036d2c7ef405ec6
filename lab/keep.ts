// What a person can do with a lab that stays up: commands to copy, of at most 80 columns where paths allow.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askControl } from './ask.ts';
import { isFull } from './fleet.ts';
import { answersWith, setState } from './slot-state.ts';
import { eventually } from './story.ts';
import type { World } from './world.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));
/** A hostname that nobody has routed yet. */
const NEW_HOST = 'shop.hoge.com';
const REVOKED = 'osaka-1';
const BACK_MS = 30_000;

/** Makes everything work again, also what the story took away, and answers the lines to print. */
export async function toPlayWith(world: World): Promise<string[]> {
  const { run, developer, agents } = world;
  const caFile = join(run.directory, 'ca.pem');
  writeFileSync(caFile, await world.publicRoot());
  await readyForPeople(world);
  await world.prepareHost(NEW_HOST);
  await takeBack(world);
  const inside = (host: string) => (isFull(world) ? `ip netns exec ${run.prefix}-${host} ` : '');
  return [
    '',
    `Everything stays up, in ${run.directory}`,
    ...part('a visitor', [visitorCommand(world, 'app.hoge.com', caFile, inside('client'))]),
    ...part('what an edge says', [statusCommand(world, inside('edge-1'))]),
    ...(isFull(world)
      ? part('its tunnels', [`${inside('edge-1')}wg show ${agents['tokyo-1'].host.wireguardInterface}`])
      : []),
    ...part(`put ${NEW_HOST} on the internet`, [
      `cd ${developer.directory}`,
      `node ${join(TOP, 'bin', 'kokoa.js')} \\\n      route add ${NEW_HOST} --origin home --port 8080`,
      `git add -A && git commit -m 'Open the shop'`,
      ...pushCommands(world, inside('git')),
      '# and a few seconds later',
      visitorCommand(world, NEW_HOST, caFile, inside('client')),
    ]),
    ...part('logs', [`tail -f ${run.directory}/hosts/*/*.log`]),
    ...part('end it', [`npm run demo -- --end ${run.prefix}`]),
    '',
  ];
}

/** The clone works for a person too: who commits, and whom it trusts. */
async function readyForPeople({ operator, developer, pki }: World): Promise<void> {
  for (const [name, value] of [
    ['user.name', 'Lab'],
    ['user.email', 'lab@lab.test'],
    ['http.sslCAInfo', pki.caFile],
  ] as const) {
    await operator.exec('git', ['config', name, value], { cwd: developer.directory });
  }
}

/** The edge that the story ends by revoking; it asks again only every few seconds. */
async function takeBack(world: World): Promise<void> {
  await setState(world, REVOKED, 'active');
  await answersWith(world, REVOKED, 200);
  let said = '';
  await eventually({
    expected: `${REVOKED} applies what is published for it`,
    async look() {
      said = (await askControl(world, '/api/v1/edges', world.agents['tokyo-1'].token)).body;
      const { edges } = JSON.parse(said) as { edges: { name: string; published?: string; applied?: string }[] };
      const edge = edges.find(({ name }) => name === REVOKED);
      return edge?.applied !== undefined && edge.applied === edge.published ? true : undefined;
    },
    found: () => said,
    timeoutMs: BACK_MS,
  });
}

function visitorCommand(world: World, hostname: string, caFile: string, prefix: string): string {
  if (isFull(world)) return `${prefix}curl --cacert ${caFile} \\\n      https://${hostname}/`;
  const { address, httpsPort } = world.doors['tokyo-1'];
  const at = `--connect-to ${hostname}:443:${address}:${httpsPort}`;
  return `curl --cacert ${caFile} \\\n      ${at} https://${hostname}/`;
}

function statusCommand({ agents }: World, prefix: string): string {
  const program = join(TOP, 'bin', 'kokoa-agent.js');
  return `${prefix}node ${program} \\\n      --state ${agents['tokyo-1'].stateDir} status`;
}

/** The branch may be pushed by anybody in the lab; on loopback, polling finds it. */
function pushCommands({ pki }: World, prefix: string): string[] {
  // This variable of a person's own would outweigh what the clone says.
  const trust = process.env.GIT_SSL_CAINFO === undefined ? '' : `export GIT_SSL_CAINFO=${pki.caFile}`;
  return [...(trust === '' ? [] : [trust]), `${prefix}git push origin HEAD:main`];
}

function part(title: string, commands: readonly string[]): string[] {
  return ['', `  ${title}:`, ...commands.map((command) => `    ${command}`)];
}
