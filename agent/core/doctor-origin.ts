// What an origin does not let edges reach although routes want it, and services that nobody would reach. Pure.
import type { OriginPart } from '../../bundle/config.ts';
import { type Finding, ok } from '../../checks/finding.ts';
import { allowedForwards, allowedPorts, allowListEntries, parseAllowList } from './allow-list.ts';
import type { Listener } from './preflight-network.ts';

export interface OriginFacts {
  origin: OriginPart;
  /** The owner's list, canonical. */
  allow: string;
  /** On the declared ports. */
  listeners: readonly Listener[];
  /** Of the machine in the tunnel. */
  address: string;
  /** Forwards that were tried by TCP, `host:port`, and did not answer. */
  silentForwards: readonly string[];
}

const SHOWN_MAX = 12;

export function judgeOrigin({ origin, allow, listeners, address, silentForwards }: OriginFacts): Finding[] {
  const ranges = parseAllowList(allow);
  const { ports, udpPorts = [], forwards = [] } = origin;
  const [tcp, udp] = [allowedPorts(ports, ranges), allowedPorts(udpPorts, ranges, 'udp')];
  const open = new Set(allowedForwards(forwards, ranges));
  const closed = [
    ...ports.filter((port) => !tcp.includes(port)).map((port) => `${port}`),
    ...udpPorts.filter((port) => !udp.includes(port)).map((port) => `${port}/udp`),
    ...forwards
      .filter((one) => !open.has(one))
      .map(({ host, hostPort, protocol }) => `${host}:${hostPort}${protocol === undefined ? '' : '/udp'}`),
  ];
  const services = [
    ...tcp.flatMap((port) => judgeService('tcp', port, listeners, address)),
    ...udp.flatMap((port) => judgeService('udp', port, listeners, address)),
    ...silentForwards.map(
      (place): Finding => ({
        ...{ level: 'warning', what: `the service at ${place}`, found: 'it does not accept a connection' },
        ...{
          expected: 'a listener, reached from this machine',
          todo: `see whether it runs: nc -vz ${place.replace(':', ' ')}`,
        },
      }),
    ),
  ];
  const count = tcp.length + udp.length + open.size;
  return [
    ...(closed.length > 0 ? [closedFinding(closed, ranges)] : [ok('the allow-list', allow || 'none')]),
    ...services,
    ...(services.length === 0 && count > 0 ? [ok('services', `something listens on each of ${count}`)] : []),
  ];
}

function closedFinding(closed: readonly string[], ranges: ReturnType<typeof parseAllowList>): Finding {
  const whole = allowListEntries([...ranges, ...parseAllowList(closed.slice(0, SHOWN_MAX).join(','))]);
  return {
    ...{ level: 'warning', what: 'the allow-list', found: `routes want ${shown(closed)}, and it keeps that closed` },
    expected: 'what routes want, where its owner agrees',
    todo: `if you agree, join again with --allow ${whole.join(',')}; visitors of those routes get 502 until then`,
  };
}

function judgeService(
  protocol: Listener['protocol'],
  port: number,
  listeners: readonly Listener[],
  own: string,
): Finding[] {
  const found = listeners.filter((one) => one.protocol === protocol && one.port === port);
  const name = `${protocol.toUpperCase()} ${port}`;
  if (found.some(({ address }) => ['0.0.0.0', '::', own].includes(address))) return [];
  const what = `the service on ${name}`;
  const expected = `a listener on 0.0.0.0 or ${own}`;
  if (found.length === 0)
    return [
      {
        level: 'warning',
        what,
        found: 'nothing listens there',
        expected,
        todo: `start it, or correct the route (ss -ln)`,
      },
    ];
  if (found.every(({ address }) => isLoopback(address)))
    return [
      {
        ...{ level: 'warning', what, found: `${found[0]!.owner ?? 'it'} listens on loopback only`, expected },
        todo: `let it listen on ${own}; or host: 127.0.0.1 in the route, and 127.0.0.1:${port} in --allow here`,
      },
    ];
  const there = found[0]!.address;
  return [
    { level: 'warning', what, found: `it listens on ${there} only`, expected, todo: `let it listen on ${own} too` },
  ];
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || /^(0000:){7}0001$/.test(address);
}

function shown(texts: readonly string[]): string {
  const more = texts.length > SHOWN_MAX ? ` and ${texts.length - SHOWN_MAX} more` : '';
  return `${texts.slice(0, SHOWN_MAX).join(', ')}${more}`;
}
