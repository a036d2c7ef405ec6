// Whether another packet filter of the machine drops what an edge must let in: as far as nftables shows it, by policy and by the ports that its rules
// name. Law: it is a guess from a listing, so it is a warning and never more.
import type { Finding } from '../../checks/finding.ts';
import { ok } from '../../checks/finding.ts';

export interface NeededPort {
  protocol: 'tcp' | 'udp';
  port: number;
}

interface Entry {
  chain?: { family: string; table: string; name: string; hook?: string; policy?: string };
  rule?: { family: string; table: string; expr?: unknown };
}

const WHAT = 'packet filters';
const OURS = /^kokoa_/;

/** `listing`: what `nft -j list ruleset` printed; undefined: it cannot be seen. */
export function judgeFilters(listing: string | undefined, needed: readonly NeededPort[]): Finding[] {
  const entries = listing === undefined ? undefined : parse(listing);
  if (entries === undefined)
    return [
      { level: 'warning', what: WHAT, found: 'they cannot be seen', todo: 'run it as root, with nftables installed' },
    ];
  const dropping = entries.flatMap(({ chain }) =>
    chain?.hook === 'input' && chain.policy === 'drop' && !OURS.test(chain.table) ? [chain] : [],
  );
  const findings = dropping.flatMap(({ family, table, name }): Finding[] => {
    const rules = entries.flatMap(({ rule }) => (rule?.family === family && rule.table === table ? [rule.expr] : []));
    const missing = needed.filter((one) => !rules.some((expr) => namesPort(expr, one)));
    if (missing.length === 0) return [];
    const ports = missing.map(({ protocol, port }) => `${protocol.toUpperCase()} ${port}`).join(', ');
    return [
      {
        ...{ level: 'warning', what: WHAT, expected: 'rules that let in what an edge serves' },
        found: `${family} ${table} ${name} drops what it does not name, and no rule of it names ${ports}`,
        todo: `let them in (ufw allow, firewall-cmd --add-port, or nft); and in the provider’s firewall, which is not seen`,
      },
    ];
  });
  return findings.length > 0
    ? findings
    : [ok(WHAT, 'none is seen that drops what comes in; the provider’s is not seen')];
}

function parse(listing: string): Entry[] | undefined {
  try {
    const { nftables } = JSON.parse(listing) as { nftables?: unknown };
    return Array.isArray(nftables) ? nftables.filter((one) => one !== null && typeof one === 'object') : undefined;
  } catch {
    return undefined;
  }
}

/** A number anywhere, a range that holds it, or no port at all in what iptables left opaque (`xt`): then nobody knows, and nothing is said. */
function namesPort(expr: unknown, { port }: NeededPort): boolean {
  if (typeof expr === 'number') return expr === port;
  if (Array.isArray(expr)) return expr.some((each) => namesPort(each, { protocol: 'tcp', port }));
  if (expr === null || typeof expr !== 'object') return false;
  const { range, xt } = expr as { range?: unknown; xt?: unknown };
  if (xt !== undefined) return true;
  if (Array.isArray(range) && typeof range[0] === 'number' && typeof range[1] === 'number')
    return range[0] <= port && port <= range[1];
  return Object.values(expr).some((each) => namesPort(each, { protocol: 'tcp', port }));
}
