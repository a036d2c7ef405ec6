import { describe, expect, test } from 'vitest';
import type { Forward, OriginConfig } from '../../bundle/config.ts';
import { FORWARDS_MAX } from '../../bundle/config-schema.ts';
import { guardConfig } from './guard.ts';

const LAN: Forward = { port: 20_001, host: '192.168.1.20', hostPort: 8080 };
const LOOPBACK: Forward = { port: 20_002, host: '127.0.0.1', hostPort: 3000 };

function origin(forwards: unknown[], ports: number[] = [8080], udpPorts: number[] = [53]): OriginConfig {
  return {
    format: 1,
    node: 'home',
    role: 'origin',
    network: { wireguard: '10.100.0.0/16' },
    wireguard: { address: '10.100.1.1', peers: [] },
    controlPlane: { urls: ['https://control.test'] },
    origin: { ports, udpPorts, forwards: forwards as Forward[] },
  };
}

describe('the forwards of an origin', () => {
  test.each<[string, Forward[]]>([
    ['a service on the LAN, and one on loopback', [LAN, LOOPBACK]],
    ['a port of UDP and one of TCP', [LAN, { ...LAN, protocol: 'udp' }, { ...LAN, protocol: 'udp', port: 8080 }]],
    ['a port of TCP that is declared for UDP', [{ ...LAN, port: 53 }]],
    ['two to one service', [LAN, { ...LAN, port: 20_003 }]],
    ['one to a private network beside that of the tunnels', [{ ...LAN, host: '10.101.0.1' }]],
    ['as many as can be', Array.from({ length: FORWARDS_MAX }, (_, index) => ({ ...LAN, port: 10_000 + index }))],
  ])('pass: %s', (_, forwards) => {
    expect(guardConfig(origin(forwards), [])).toEqual({ ok: true, withoutPeer: [], leftOut: [] });
  });

  test.each<[string, string, unknown[]]>([
    ['a host on the internet', 'forward_not_private', [{ ...LAN, host: '8.8.8.8' }]],
    ['a cloud’s metadata', 'forward_not_private', [{ ...LAN, host: '169.254.169.254' }]],
    ['another loopback address', 'forward_not_private', [{ ...LAN, host: '127.0.0.53' }]],
    ['all addresses', 'forward_not_private', [{ ...LAN, host: '0.0.0.0' }]],
    ['a broadcast', 'forward_not_private', [{ ...LAN, host: '255.255.255.255' }]],
    ['an octal host', 'forward_not_private', [{ ...LAN, host: '192.168.01.20' }]],
    ['a name', 'forward_not_private', [{ ...LAN, host: 'localhost' }]],
    ['IPv6', 'forward_not_private', [{ ...LAN, host: '::ffff:192.168.1.20' }]],
    ['a host that is no text', 'forward_not_private', [{ ...LAN, host: 7 }]],
    ['another origin', 'forward_into_tunnels', [{ ...LAN, host: '10.100.2.1' }]],
    ['the origin itself', 'forward_into_tunnels', [{ ...LAN, host: '10.100.1.1' }]],
    ['the broadcast address of the tunnels', 'forward_into_tunnels', [{ ...LAN, host: '10.100.255.255' }]],
    ['a port that is declared', 'forward_port_taken', [{ ...LAN, port: 8080 }]],
    ['a port that another forward has', 'forward_port_taken', [LAN, { ...LOOPBACK, port: LAN.port }]],
    ['a port that is declared for UDP', 'forward_port_taken', [{ ...LAN, port: 53, protocol: 'udp' }]],
    ['a port of UDP twice', 'forward_port_taken', [LAN, LAN].map((one) => ({ ...one, protocol: 'udp' }))],
    ['a protocol of its own', 'config_malformed', [{ ...LAN, protocol: 'sctp' }]],
    ['port 0', 'config_malformed', [{ ...LAN, port: 0 }]],
    ['a port with a rule', 'config_malformed', [{ ...LAN, hostPort: '80; flush ruleset' }]],
    ['a forward of null', 'config_malformed', [null]],
    ['too many', 'too_many_forwards', Array.from({ length: FORWARDS_MAX + 1 }, () => LAN)],
  ])('are refused: %s', (_, code, forwards) => {
    expect(guardConfig(origin(forwards), [])).toMatchObject({ ok: false, code });
  });
});
