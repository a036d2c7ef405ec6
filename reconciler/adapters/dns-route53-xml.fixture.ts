// Route 53's XML, as its API reference shows it. For a double that the official SDK talks to.
import type { AskedChange, KeptSet, KeptZone } from './dns-route53-state.fixture.ts';

const NAMESPACE = 'https://route53.amazonaws.com/doc/2013-04-01/';

export function document(root: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${content}</${root}>`;
}

export function element(name: string, text: string | number | boolean | undefined): string {
  return text === undefined ? '' : `<${name}>${escaped(String(text))}</${name}>`;
}

export function setXml({ name, type, ttl, values, identifier, weight, healthCheck, alias }: KeptSet): string {
  const records = values.map((value) => `<ResourceRecord>${element('Value', value)}</ResourceRecord>`).join('');
  const target =
    alias === undefined
      ? ''
      : `<AliasTarget>${element('HostedZoneId', alias.hostedZone)}${element('DNSName', alias.name)}` +
        '<EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>';
  return (
    `<ResourceRecordSet>${element('Name', name)}${element('Type', type)}${element('SetIdentifier', identifier)}` +
    `${element('Weight', weight)}${element('TTL', ttl)}` +
    `${records === '' ? '' : `<ResourceRecords>${records}</ResourceRecords>`}${target}` +
    `${element('HealthCheckId', healthCheck)}</ResourceRecordSet>`
  );
}

export function zoneXml({ id, name, isPrivate, sets }: KeptZone): string {
  return (
    `<HostedZone><Id>/hostedzone/${id}</Id>${element('Name', name)}<CallerReference>${id}</CallerReference>` +
    `<Config><PrivateZone>${isPrivate}</PrivateZone></Config>` +
    `<ResourceRecordSetCount>${sets.length}</ResourceRecordSetCount></HostedZone>`
  );
}

export function errorXml(code: string, message: string): string {
  return document(
    'ErrorResponse',
    `<Error><Type>Sender</Type>${element('Code', code)}${element('Message', message)}</Error><RequestId>r-1</RequestId>`,
  );
}

/** The other form in which a batch is refused, with one message for each mistake. */
export function invalidBatchXml(messages: readonly string[]): string {
  const each = messages.map((message) => element('Message', message)).join('');
  return document('InvalidChangeBatch', `<Messages>${each}</Messages><RequestId>r-1</RequestId>`);
}

export function readChanges(text: string): AskedChange[] {
  return all(text, 'Change').map((change) => {
    const ttl = one(change, 'TTL');
    return {
      action: one(change, 'Action') ?? '',
      set: {
        name: one(change, 'Name') ?? '',
        type: one(change, 'Type') ?? '',
        values: all(change, 'Value').map(unescaped),
        ...(ttl !== undefined && { ttl: Number(ttl) }),
      },
    };
  });
}

function all(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, content]) => content!);
}

function one(text: string, name: string): string | undefined {
  const found = all(text, name)[0];
  return found === undefined ? undefined : unescaped(found);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function unescaped(text: string): string {
  const named: Record<string, string> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' };
  return text.replace(/&(?:#x([0-9A-Fa-f]+)|([a-z]+));/g, (_, hex?: string, name?: string) =>
    hex === undefined ? (named[name!] ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
