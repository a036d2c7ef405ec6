// The program in the client's namespace: carries out commands from standard input, concurrently, and answers each on standard output.
// One long-lived process, because starting one per request would cost more than the request.
import { createInterface } from 'node:readline';
import { runLoad } from './probe-load.ts';
import type { ProbeAnswer, ProbeLine } from './probe-protocol.ts';
import { probe } from './probe-request.ts';
import { probeUntil } from './probe-until.ts';
import { probeWebSocket } from './probe-websocket.ts';

const loads = new Map<number, AbortController>();

createInterface({ input: process.stdin }).on('line', async (line) => {
  const command = JSON.parse(line) as ProbeLine;
  let answer: ProbeAnswer;
  try {
    answer = { id: command.id, result: await carryOut(command) };
  } catch (error) {
    answer = { id: command.id, error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
});
// Nobody is left to answer to.
process.stdin.on('end', () => process.exit(0));
process.stdout.on('error', () => process.exit(0));
process.stdout.write('{"id":0,"result":"ready"}\n');

async function carryOut(command: ProbeLine): Promise<unknown> {
  switch (command.do) {
    case 'request':
      return probe(command.target);
    case 'until':
      return probeUntil(command.target, command.expect, command.options);
    case 'websocket':
      return probeWebSocket(command.target, command.text);
    case 'load': {
      const controller = new AbortController();
      loads.set(command.id, controller);
      return runLoad(command.options, controller.signal).finally(() => loads.delete(command.id));
    }
    case 'stop':
      loads.get(command.load)?.abort();
      return null;
  }
}
