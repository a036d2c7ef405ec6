import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDump, parseHandshakes } from './wireguard-dump.ts';

const PRIVATE = 'aBG+2XYwnFjB1bAe4BAaLzYf6Uww2g4mhgCIvd8z4WQ=';
const PUBLIC = '+dNwzrmVOrveArTp+oO41fAVVFV3v6WRtU0ig9bRC0Y=';
const PEER = 'UhpzVbhbsJSOUcN34fQ8IzLUPLuabR78/D/mgFt29TI=';
const OWN_LINE = `${PRIVATE}\t${PUBLIC}\t51820\toff\n`;

function peerLine(fields: Partial<Record<number, string>>): string {
  const line = [PEER, '(none)', '(none)', '10.100.1.1/32', '0', '0', '0', 'off'];
  return `${line.map((field, index) => fields[index] ?? field).join('\t')}\n`;
}

describe('parseDump', () => {
  test('reads what wg printed', () => {
    const line = peerLine({ 2: '[2001:db8::1]:51820', 3: '10.100.2.1/32,10.100.1.1/32', 4: '1700000000', 7: '25' });
    expect(parseDump(OWN_LINE + line)).toEqual({
      publicKey: PUBLIC,
      listenPort: 51_820,
      peers: [
        {
          publicKey: PEER,
          endpoint: '[2001:db8::1]:51820',
          allowedIps: ['10.100.1.1/32', '10.100.2.1/32'],
          latestHandshake: 1_700_000_000,
          keepaliveSeconds: 25,
        },
      ],
    });
  });

  test('an interface without key and peers, and a peer without anything, are read as such', () => {
    expect(parseDump('(none)\t(none)\t0\toff\n')).toEqual({ listenPort: 0, peers: [] });
    const [peer] = parseDump(OWN_LINE + peerLine({ 3: '(none)' })).peers;
    expect(peer).toEqual({ publicKey: PEER, allowedIps: [], latestHandshake: 0, keepaliveSeconds: 0 });
  });

  test('an endpoint with a zone is as good as none, because it could not be set again', () => {
    expect(parseDump(OWN_LINE + peerLine({ 2: '[fe80::1%eth0]:51820' })).peers[0]).not.toHaveProperty('endpoint');
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['a line of text', 'Unable to access interface\n'],
    ['too few fields', `${PRIVATE}\t${PUBLIC}\t51820\n`],
    ['a port above 65535', `${PRIVATE}\t${PUBLIC}\t65536\toff\n`],
    ['a peer line that is cut', `${OWN_LINE}${PEER}\t(none)\n`],
    ['a key of another length', OWN_LINE + peerLine({ 0: `${PEER}A` })],
    ['a negative handshake', OWN_LINE + peerLine({ 4: '-1' })],
    ['a keepalive in words', OWN_LINE + peerLine({ 7: 'every 25 seconds' })],
    ['allowed addresses that are none', OWN_LINE + peerLine({ 3: '10.100.1.1/32 remove' })],
    ['more peers than the bound', OWN_LINE + peerLine({}).repeat(4097)],
  ])('refuses %s', (_, text) => {
    expect(() => parseDump(text)).toThrow(expect.objectContaining({ code: 'tunnel_failed' }));
  });

  test('no error and no answer ever holds the private key', () => {
    const pieces = fc.constantFrom(PRIVATE, PUBLIC, '\t', '\n', '(none)', '51820', 'off', '10.100.1.1/32', '0');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        try {
          const { peers, listenPort } = parseDump(`${PRIVATE}${parts.join('')}`);
          expect(JSON.stringify([listenPort, peers.map((peer) => peer.endpoint)])).not.toContain(PRIVATE);
        } catch (error) {
          expect(error).toMatchObject({ code: 'tunnel_failed' });
          expect(JSON.stringify(error) + String(error)).not.toContain(PRIVATE);
        }
      }),
    );
  });
});

describe('parseHandshakes', () => {
  test('reads when each peer shook hands last', () => {
    expect(parseHandshakes(`${PEER}\t1700000000\n${PUBLIC}\t0\n`)).toEqual(
      new Map([
        [PEER, 1_700_000_000],
        [PUBLIC, 0],
      ]),
    );
    expect(parseHandshakes('').size).toBe(0);
  });

  test.each([
    ['no key', 'home\t1\n'],
    ['a negative time', `${PEER}\t-1\n`],
    ['three fields', `${PEER}\t1\t2\n`],
    ['one field', `${PEER}\n`],
    ['more peers than the bound', `${PEER}\t1\n`.repeat(4097)],
  ])('refuses %s', (_, text) => {
    expect(() => parseHandshakes(text)).toThrow(expect.objectContaining({ code: 'tunnel_failed' }));
  });
});
