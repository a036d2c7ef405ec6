// The adapter keeps the contract at a real knot, in which other people change the zone with knotc.
import { type ZoneScenario, zoneContract } from '../../test/contract/dns-zone.ts';
import { startLoopbackKnot } from '../../test/loopback-knot.ts';
import { nameRecords } from '../core/dns/record-set.ts';
import { createRfc2136Zone } from './dns-rfc2136-zone.ts';

const ZONE = 'hoge.com';

async function open(): Promise<ZoneScenario> {
  const knot = await startLoopbackKnot({ [ZONE]: [] }, { acl: ['action: [update, transfer]'] });
  const change = (...lines: string[][]) => knot.control([['zone-begin', ZONE], ...lines, ['zone-commit', ZONE]]);
  return {
    zone: ZONE,
    access: createRfc2136Zone({ zone: ZONE, address: '127.0.0.1', port: knot.port, key: knot.key }),
    async put(name, type, ttl, values) {
      const data = (value: string) => (['CNAME', 'MX'].includes(type) ? `${value}.` : value);
      const records = values.map((value) => ['zone-set', ZONE, `${name}.`, String(ttl), type, data(value)]);
      await change(['zone-unset', ZONE, `${name}.`, type], ...records);
    },
    async remove(name, type) {
      await change(['zone-unset', ZONE, `${name}.`, type]);
    },
    async stands(name) {
      const printed = (await knot.control([['zone-read', ZONE, `${name}.`]])).split('\n');
      const found = printed.map((line) => / (\d+) ([A-Z]+) (.*)$/.exec(line)).filter((one) => one !== null);
      return nameRecords(
        found.map(([, ttl, type = '', data = '']) => ({
          type,
          ttl: Number(ttl),
          value: type === 'TXT' ? textOf(data) : data,
        })),
      );
    },
    lists: true,
    close: () => knot.close(),
  };
}

/** The pieces of a TXT record, as knotc prints them. */
function textOf(data: string): string {
  const text: string[] = JSON.parse(`[${data.replaceAll('" "', '","').replaceAll(/\\(\d{3})/g, '\\\\$1')}]`);
  return text.join('');
}

zoneContract('a zone that takes updates', open);
