// What the log says of runs: every change once, in one line, with the reason and what to do.
import { expect, it } from 'vitest';
import { KokoaError } from '../bundle/error.ts';
import { createLog } from './adapters/log.ts';
import { createRunLog } from './run-log.ts';
import {
  createSite,
  edge,
  type Files,
  FLEET,
  granting,
  kokoa,
  manyRoutes,
  portRoute,
  route,
  type Site,
} from './site.fixture.ts';

const DOWN = new KokoaError('source_unreachable', 'git fetch failed', { hint: 'Check the credential.' });
const MINUTE_MS = 60_000;

function watch(site: Site) {
  const lines: string[] = [];
  const log = createLog({ format: 'text', write: (line) => void lines.push(line.replace(/^\S+ /, '').trimEnd()) });
  const runLog = createRunLog(log, () => new Date(site.clock.ms));
  const said = () => lines.splice(0);
  return {
    said,
    failed(error: unknown) {
      runLog.failed(error);
      return said();
    },
    async run(change?: Files) {
      if (change) site.source.commit(change);
      runLog.ran(await site.run(), { fetch: 1 });
      return said();
    },
  };
}

it('says what was published, and nothing at a poll that finds nothing', async () => {
  const site = createSite();
  const { run } = watch(site);
  const [line, ...more] = await run();
  expect(more).toEqual([]);
  expect(line).toMatch(
    /^INFO {2}published commit=[0-9a-f]{40} hosts=\{"added":2,"removed":0,"moved":0\} nodes=\["e1","e2","o1","o2"\] removed=\[\] ms=\{"fetch":1\}$/,
  );
  expect(await run()).toEqual([]);
  expect(await run({ 'README.md': 'words' })).toEqual([]);
});

it('says each problem of a hold once, and when it is over', async () => {
  const site = createSite();
  const { run } = watch(site);
  await run();
  const said = await run({ 'edges/e1.yaml': 'name: [', 'edges/e2.yaml': 'name: {' });
  expect(said).toHaveLength(2);
  expect(said[0]).toMatch(
    /^WARN {2}the newest commit is held back; what is live stays.* why=invalid reason="edges\/e1\.yaml:1:\d+: .*" todo=".+"$/,
  );
  expect(said[1]).toMatch(/^WARN {2}and this is wrong at=edges\/e2\.yaml:1:\d+ rule=KK\d{3} reason=".+" todo=".+"$/);
  expect(await run()).toEqual([]);
  expect(await run({ 'edges/e1.yaml': edge('e1') })).toMatchObject([expect.stringContaining('edges/e2.yaml')]);
  expect((await run({ 'edges/e2.yaml': edge('e2') }))[0]).toBe('INFO  nothing is held back any more');
});

it('prints an override that can be pasted as it stands', async () => {
  const site = createSite({ ...FLEET, ...manyRoutes(12) });
  const { run } = watch(site);
  await run();
  const [line] = await run(Object.fromEntries(Object.keys(manyRoutes(12)).map((path) => [path, undefined])));
  const override = JSON.parse(/ override=(".*")$/.exec(line!)![1]!) as string;
  expect((await run({ 'kokoa.yaml': kokoa(`${override}\n`) })).map((text) => text.slice(0, 27))).toEqual([
    'INFO  nothing is held back ',
    `INFO  published commit=${site.standing.commit!.slice(0, 4)}`,
  ]);
});

it('says that restrictions passed a hold', async () => {
  const site = createSite();
  const { run } = watch(site);
  await run();
  const said = await run({ 'kokoa.yaml': '', 'edges/e2.yaml': edge('e2', { state: 'revoked' }) });
  expect(said.at(-1)).toMatch(
    /^INFO {2}published what a hold does not keep back .*nodes=\["o1","o2"\] removed=\["e2"\]/,
  );
});

it('says a quarantine once, again when the reason changes, and its end', async () => {
  const site = createSite();
  const { run } = watch(site);
  await run();
  const file = 'routes/hoge/app.yaml';
  const [line, ...more] = await run({ [file]: route('app.hoge.com', 'o9') });
  expect(more).toEqual([]);
  expect(line).toMatch(
    /^WARN {2}a route file is quarantined: .* at=routes\/hoge\/app\.yaml:2:9 rule=KK304 reason="found the origin o9.*" todo=".+"$/,
  );
  expect(await run({ 'README.md': 'words' })).toEqual([]);
  expect(await run({ [file]: route('app.hoge.com', 'o8') })).toMatchObject([expect.stringContaining('o8')]);
  expect(await run({ [file]: route('app.hoge.com') })).toEqual([
    `INFO  no longer quarantined files=["${file}"] count=1`,
  ]);
});

it('bounds the lines about many broken files', async () => {
  const site = createSite();
  const { run } = watch(site);
  await run();
  const broken = Object.fromEntries(Object.keys(manyRoutes(50)).map((path) => [path, 'port: [']));
  const said = await run(broken);
  expect(said).toHaveLength(21);
  expect(said.at(-1)).toContain('more=30 todo="kokoa validate lists them all"');
});

it('says a failure once, reminds of it, and says when it is over', async () => {
  const site = createSite();
  const { run, failed } = watch(site);
  await run();
  site.source.failNext('fetch', DOWN, 3);
  expect(await run()).toEqual([
    'ERROR a run failed; what is published stays code=source_unreachable reason="git fetch failed" todo="Check the credential."',
  ]);
  expect(await run()).toEqual([]);
  site.clock.ms += 11 * MINUTE_MS;
  expect(await run()).toHaveLength(1);
  expect(await run()).toEqual(['INFO  runs succeed again']);
  expect(failed(new KokoaError('store_failed', 'the disk is full'))[0]).toContain('code=store_failed');
  expect(failed(DOWN)).toHaveLength(1);
  expect(failed(new TypeError('x is undefined'))[0]).toMatch(
    /^ERROR a run failed unexpectedly.*TypeError.*run-log\.test\.ts/,
  );
});

it('counts public ports only where some change, and says aloud which are closed', async () => {
  const port = 'routes/hoge/port.yaml';
  const site = createSite({ ...FLEET, 'kokoa.yaml': granting("'25565'") });
  const { run } = watch(site);
  expect((await run())[0]).not.toContain('publicPorts');
  expect(await run({ [port]: portRoute(25_565) })).toMatchObject([
    expect.stringContaining('publicPorts={"added":1,"removed":0,"changed":0}'),
  ]);
  expect(await run({ [port]: undefined })).toMatchObject([
    expect.stringContaining('publicPorts={"added":0,"removed":1,"changed":0}'),
    'WARN  public ports are closed ports=["tcp 25565 (default)"] count=1',
  ]);
});

it('says each step of settings that go out, and each once', async () => {
  const site = createSite({ ...FLEET, 'edges/e3.yaml': edge('e3') });
  const { run } = watch(site);
  await run();
  await site.hear(['e1', 'e2', 'e3']);
  const [first] = await run({ 'kokoa.yaml': kokoa().replace('control.hoge', 'other.hoge') });
  expect(first).toMatch(/^INFO {2}settings go out to a wave of edges commit=[0-9a-f]{40} wave=1 of=2 nodes=\["e1"\]$/);
  expect(await run()).toEqual([]);
  await site.hear(['e1']);
  expect(await run()).toEqual([expect.stringMatching(/^INFO {2}a wave of edges has applied the settings/)]);
  expect(await run()).toEqual([]);
  site.clock.ms += MINUTE_MS;
  await site.hear(['e1']);
  expect((await run())[0]).toMatch(/^INFO {2}settings go out to everybody commit=/);
});

it('says why a rollout has stopped and what to do, and when it is over', async () => {
  const site = createSite();
  const { run } = watch(site);
  await run();
  await site.hear(['e1', 'e2']);
  await run({ 'kokoa.yaml': kokoa().replace('control.hoge', 'other.hoge') });
  const error = { stage: 'probe', code: 'probe_failed', detail: 'x'.repeat(1000) };
  await site.hear(['e1'], { state: 'rolled_back', applied: 'old', error });
  const [stop, ...more] = await run();
  expect(more).toEqual([]);
  expect(stop).toMatch(
    /^WARN {2}an edge refuses the settings; the rollout has stopped commit=\S+ node=e1 stage=probe /,
  );
  expect(stop).toMatch(/ reason=x{300} waves=2 todo="correct or revert the settings/);
  expect(await run()).toEqual([]);
  expect((await run({ 'kokoa.yaml': kokoa() }))[0]).toMatch(/^INFO {2}the settings are again those that everybody has/);
  const wide = { 'kokoa.yaml': kokoa().replace('10.100.0.0/16', '10.0.0.0/8') };
  const [wentOut] = await run({ ...wide, 'edges/e3.yaml': edge('e3').replace('10.100', '10.200') });
  expect(wentOut).toMatch(/^WARN {2}settings go out to all edges at once reason="the old ones do not fit: edges\/e3/);
});
