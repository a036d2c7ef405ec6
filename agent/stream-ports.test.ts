// A port that somebody else holds costs its own route only.
import { expect, it } from 'vitest';
import type { EdgeConfig, WireStream } from '../bundle/config.ts';
import { takenStreams } from './stream-ports.ts';
import { edgeBundle } from './verified.fixture.ts';

const stream = (port: number, protocol: WireStream['protocol'] = 'tcp'): WireStream => ({
  protocol,
  port,
  backends: [{ address: '10.100.1.1', port: 1 }],
});
/** As streams.conf has it. */
const SERVED =
  'stream {\n    server {\n        listen 0.0.0.0:25;\n        listen [::]:25;\n    }\n        listen 0.0.0.0:53 udp;\n}\n';

function machine(found: { running?: boolean; serving?: string | undefined; busy: string[] }) {
  const parts = {
    web: { running: async () => found.running ?? true, serving: async () => found.serving },
    readStreams: async (release: string) => (release === 'r1' ? SERVED : ''),
    isFree: async (protocol: string, address: string, port: number) =>
      !found.busy.includes(`${protocol} ${address} ${port}`),
    addresses: ['0.0.0.0', '::'],
  };
  return (...streams: WireStream[]) => {
    const { edge, ...config } = edgeBundle(['a.test']).config as EdgeConfig;
    return takenStreams({ ...config, edge: { ...edge, streams } }, parts);
  };
}

it('names the ports of others, on whichever address, and nobody else’s', async () => {
  const taken = machine({ running: false, busy: ['tcp :: 25', 'udp 0.0.0.0 53'] });
  expect(await taken(stream(25), stream(26), stream(53), stream(53, 'udp'))).toEqual([stream(25), stream(53, 'udp')]);
});

it('takes what the web server serves now for its own, also when another agent made it', async () => {
  const taken = machine({
    serving: 'r1',
    busy: ['tcp 0.0.0.0 25', 'udp 0.0.0.0 53', 'tcp 0.0.0.0 53', 'tcp 0.0.0.0 26'],
  });
  expect(await taken(stream(25), stream(53, 'udp'), stream(53), stream(26))).toEqual([stream(53), stream(26)]);
});

it('finds a taken port again and again while a release without it is served', async () => {
  const taken = machine({ serving: 'r0', busy: ['tcp 0.0.0.0 25'] });
  expect(await taken(stream(25))).toEqual([stream(25)]);
  expect(await taken(stream(25))).toEqual([stream(25)]);
});

it('accuses nobody while the web server does not say what it serves', async () => {
  const taken = machine({ serving: undefined, busy: ['tcp 0.0.0.0 25'] });
  expect(await taken(stream(25))).toEqual([]);
});
