// A program for a network namespace of its own, where visitors have IPv6 addresses: asks a limited host from neighbouring and
// from other networks, and prints what each was answered. `unshare --net node ipv6-visitors.ts`
import { execa } from 'execa';
import { visit } from './clients/raw-visit.ts';
import { startOneEdge } from './one-edge.ts';
import { startEcho } from './origins/echo-origin.ts';

const VISITORS = ['2001:db8:1:1::1', '2001:db8:1:1:ffff::2', '2001:db8:1:2::1', '2001:db8:1:2::1'];
const host = 'strict.hoge.com';

await execa('ip', ['link', 'set', 'lo', 'up']);
for (const address of new Set(VISITORS))
  await execa('ip', ['-6', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad']);
const edge = await startOneEdge();
try {
  const home = await startEcho(edge.origins.home);
  const limits = 'limits: {requestsPerSecond: 1}';
  await edge.publish({ 'routes/hoge/a.yaml': `hostname: ${host}\norigin: home\nport: ${home.port}\n${limits}\n` });
  const answers = [];
  for (const from of VISITORS) answers.push({ from, status: (await visit(edge, { host, from })).status });
  process.stdout.write(JSON.stringify(answers));
  await home.end();
} finally {
  await edge.end();
}
