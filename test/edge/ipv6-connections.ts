// A program for a network namespace of its own, where visitors have IPv6 addresses: holds a connection to a public port that takes one from
// each visitor, and prints who else is answered. `unshare --net node ipv6-connections.ts`
import { execa } from 'execa';
import { openTcp } from './clients/layer-4-visit.ts';
import { kokoaYaml } from './fleet-data.ts';
import { portFreeOn } from './loopback-place.ts';
import { startOneEdge } from './one-edge.ts';
import { startTcp } from './origins/layer-4-origin.ts';

const HOLDER = '2001:db8:1:1::1';
const OTHERS = ['2001:db8:1:1:ffff::2', '2001:db8:1:2::1'];

await execa('ip', ['link', 'set', 'lo', 'up']);
for (const address of [HOLDER, ...OTHERS])
  await execa('ip', ['-6', 'address', 'add', `${address}/128`, 'dev', 'lo', 'nodad']);
const edge = await startOneEdge();
try {
  const one = await startTcp(edge.origins.home, 'one');
  const port = await portFreeOn([edge.address, '::1']);
  const route = `protocol: tcp\npublicPort: ${port}\nproxyProtocol: false\norigin: home\nport: ${one.port}\n`;
  await edge.publish({
    'kokoa.yaml': kokoaYaml(edge.prefix, { ports: [port] }),
    'routes/hoge/a.yaml': `${route}limits: {connections: 1}\n`,
  });
  const held = await openTcp(edge, port, HOLDER);
  const answers = [{ from: HOLDER, answered: (await held.say('hello')) !== undefined }];
  for (const from of OTHERS) {
    const visitor = await openTcp(edge, port, from);
    answers.push({ from, answered: (await visitor.say('hello')) !== undefined });
    visitor.end();
  }
  process.stdout.write(JSON.stringify(answers));
  held.end();
  await one.end();
} finally {
  await edge.end();
}
