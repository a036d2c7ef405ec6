// The certificates of an edge, as `kokoa-agent status` says them from the disk: which hosts have none, which end soon, and which nobody renews.
import type { WireRoute } from '../bundle/config.ts';
import { heldUpTodo } from './certificates-status.ts';
import { certificatesCovering } from './core/certificate-choice.ts';
import { exposedTo, namesOf } from './core/exposure.ts';
import { labelledLine } from './core/labelled-line.ts';
import { isEnding } from './core/renewal.ts';
import type { HeldCertificate } from './ports/certificate-store.ts';

const NAMES_MAX = 5;

export function describeCertificates(
  routes: readonly WireRoute[],
  certificates: readonly HeldCertificate[],
  nowMs: number,
  compromised: readonly string[] = [],
  others?: { me: string; isAlone: boolean },
) {
  const good = certificates.filter(({ notAfter }) => notAfter > nowMs).sort((a, b) => a.notAfter - b.notAfter);
  const held = new Set(good.map(({ hostname }) => hostname));
  const without = hostsWithout(routes, held);
  const used = new Set(routes.map(nameOf));
  const ending = good.filter((one) => used.has(one.hostname) && isEnding(one, nowMs));
  const exposed = good.filter((one) => used.has(one.hostname) && exposedTo(one, compromised).length > 0);
  const imported = good.filter(({ hostname, source }) => used.has(hostname) && source === 'imported');
  const ordersIt = new Set(routes.filter(({ orderer }) => orderer === others?.me).map(nameOf));
  const heldUp = others?.isAlone === false ? imported.filter(({ hostname }) => ordersIt.has(hostname)) : [];
  return {
    facts: {
      hosts: routes.length,
      hostsWithoutCertificate: without,
      certificatesEndingSoon: ending.map(factsOf),
      ...(exposed.length > 0 && { exposedCertificates: exposed.map(({ hostname }) => hostname) }),
      importedCertificates: imported.map(factsOf),
    },
    lines: [
      ...labelledLine('hosts', `${routes.length}, ${routes.length - without.length} with a certificate`),
      ...(without.length > 0 ? labelledLine('waiting', `no certificate yet: ${shown(without)}`) : []),
      ...(ending.length > 0 ? labelledLine('ends soon', shown(ending.map(endOf))) : []),
      ...(exposed.length > 0 ? labelledLine('exposed', exposedText(exposed, compromised)) : []),
      ...(imported.length > 0 ? labelledLine('imported', `${shown(imported.map(endOf))}; not renewed here`) : []),
      ...(heldUp.length > 0 ? labelledLine('', heldUpText(heldUp, compromised)) : []),
    ],
  };
}

function nameOf({ hostname, certificate = hostname }: WireRoute): string {
  return certificate;
}

/** Whether the others have an imported one as well is not known here. */
function heldUpText(heldUp: readonly HeldCertificate[], compromised: readonly string[]): string {
  const names = shown(heldUp.map(({ hostname }) => hostname));
  const had = compromised.length > 0 ? `, and ${namesOf(compromised)} had the key that they have` : '';
  return `${names}: this edge orders it for its pool and now does not${had}: ${heldUpTodo('NAME')}`;
}

/** All of one pool were had by the same edges, but for those that were ordered in between. */
function exposedText(exposed: readonly HeldCertificate[], compromised: readonly string[]): string {
  const edges = namesOf(exposed.flatMap((one) => exposedTo(one, compromised)));
  return `${edges} had the key, to be ordered anew: ${shown(exposed.map(({ hostname }) => hostname))}`;
}

/** As node-metrics counts them too. What is passed on unopened needs none. */
export function hostsWithout(routes: readonly WireRoute[], held: ReadonlySet<string>): string[] {
  const served = ({ hostname, certificate = hostname, protocol }: WireRoute) =>
    protocol === 'tls' || certificatesCovering(hostname, certificate).some((name) => held.has(name));
  return routes.filter((route) => !served(route)).map(({ hostname }) => hostname);
}

function shown(texts: readonly string[]): string {
  const more = texts.length > NAMES_MAX ? ` and ${texts.length - NAMES_MAX} more` : '';
  return `${texts.slice(0, NAMES_MAX).join(', ')}${more}`;
}

function endOf({ hostname, notAfter }: HeldCertificate): string {
  return `${hostname} ends on ${isoSeconds(notAfter)}`;
}

function factsOf({ hostname, notAfter, source }: HeldCertificate) {
  return { hostname, notAfter: isoSeconds(notAfter), source };
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
