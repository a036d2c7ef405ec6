// A port that somebody else holds costs its own route only.
import { expect, it } from 'vitest';
import type { EdgeConfig, WireStream } from '../bundle/config.ts';
import { createStreamPorts } from './stream-ports.ts';
import { edgeBundle } from './verified.fixture.ts';

const stream = (port: number, protocol: WireStream['protocol'] = 'tcp'): WireStream => ({
  protocol,
  port,
  backends: [{ address: '10.100.1.1', port: 1 }],
});

function start() {
  const machine = { running: true, current: undefined as string | undefined, busy: new Set<string>() };
  const streamPorts = createStreamPorts({
    releases: { current: async () => machine.current },
    web: { running: async () => machine.running },
    isFree: async (protocol, address, port) => !machine.busy.has(`${protocol} ${address} ${port}`),
    addresses: ['0.0.0.0', '::'],
  });
  const taken = async (...streams: WireStream[]) => {
    const { edge, ...config } = edgeBundle(['a.test']).config as EdgeConfig;
    return streamPorts.taken({ ...config, edge: { ...edge, streams } });
  };
  return { machine, streamPorts, taken };
}

it('names the ports of others, on whichever address, and nobody else’s', async () => {
  const { machine, taken } = start();
  machine.running = false;
  machine.busy = new Set(['tcp :: 25', 'udp 0.0.0.0 53']);
  expect(await taken(stream(25), stream(26), stream(53), stream(53, 'udp'))).toEqual([stream(25), stream(53, 'udp')]);
});

it('takes the ports of the current release for its own', async () => {
  const { machine, streamPorts, taken } = start();
  machine.busy = new Set(['tcp 0.0.0.0 25', 'tcp 0.0.0.0 26']);
  streamPorts.made('r1', [stream(25)]);
  machine.current = 'r1';
  expect(await taken(stream(25), stream(26))).toEqual([stream(26)]);
  // Made, and never swapped in.
  streamPorts.made('r2', [stream(25), stream(26)]);
  expect(await taken(stream(25), stream(26))).toEqual([stream(26)]);
});

it('accuses nobody while it does not know whose web server runs', async () => {
  const { machine, taken } = start();
  machine.busy = new Set(['tcp 0.0.0.0 25']);
  machine.current = 'made by an earlier agent';
  expect(await taken(stream(25))).toEqual([]);
});
