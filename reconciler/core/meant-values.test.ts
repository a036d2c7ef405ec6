import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadFile } from './load.ts';
import { meantValue } from './meant-values.ts';

const ROUTE = 'hostname: app.hoge.com\norigin: home\nport: 8080\n';
const PARENTS: Record<string, string> = {
  'timeouts.read': 'timeouts: {VALUE}',
  'timeouts.connect': 'timeouts: {VALUE}',
  'limits.maxBody': 'limits: {VALUE}',
  'hsts.maxAge': 'hsts: {VALUE}',
  'tls.certificate': 'tls: {VALUE}',
  'tls.certificate.file': 'tls: {certificate: {VALUE}}',
  'tls.certificate.credential': 'tls: {certificate: {VALUE}}',
};

/** What is said of a route with `field: typed`. */
function problems(field: string, value: string) {
  const line = PARENTS[field]?.replace('VALUE', value) ?? value;
  return loadFile('routes/hoge/app.yaml', 'b', Buffer.from(`${ROUTE}${line}\n`)).problems;
}

it.each([
  ['tls: {certificate: {}}', 'write certificate: {file: app-certificate}'],
  ['tls: {}', 'write tls: {certificate: {file: app-certificate}}'],
])('%s is told what to type', (line, hint) => {
  const [problem] = loadFile('routes/hoge/app.yaml', 'b', Buffer.from(`${ROUTE}${line}\n`)).problems;
  expect(problem?.hint).toContain(hint);
});

describe('meantValue', () => {
  it.each([
    ['timeouts.read', '5', 'read: 5s'],
    ['timeouts.read', '"5"', 'read: 5s'],
    ['timeouts.read', '30 s', 'read: 30s'],
    ['timeouts.read', '1d', 'read: 24h'],
    ['timeouts.read', '5 minutes', 'read: 5m'],
    ['timeouts.connect', '30sec', 'connect: 30s'],
    ['limits.maxBody', '10000000', 'maxBody: 10m'],
    ['limits.maxBody', '10 MB', 'maxBody: 10m'],
    ['limits.maxBody', '10M', 'maxBody: 10m'],
    ['limits.maxBody', '1GiB', 'maxBody: 1g'],
    ['limits.maxBody', '1000', 'maxBody: 1k'],
    ['tls.certificate', 'app-certificate', 'certificate: {file: app-certificate}'],
    ['tls.certificate', 'App_Cert.pem', 'certificate: {file: app_cert.pem}'],
    ['tls.certificate.file', 'App_Cert', 'file: app_cert'],
    ['tls.certificate.credential', 'App Cert', 'credential: app-cert'],
    ['hsts', 'true', 'hsts: {maxAge: 31536000}'],
    ['hsts', '31536000', 'hsts: {maxAge: 31536000}'],
    ['hsts.maxAge', '1y', 'maxAge: 31536000'],
    ['hsts.maxAge', '30 days', 'maxAge: 2592000'],
    ['redirect', 'https://www.hoge.com', "redirect: {to: 'https://www.hoge.com'}"],
    ['protocol', 'grpc', 'protocol: h2c'],
    ['sticky', 'yes', 'sticky: true'],
    ['sticky', 'Off', 'sticky: false'],
    ['maintenance', 'true', 'maintenance: {allow: []}'],
    ['maintenance', 'on', 'maintenance: {allow: []}'],
    ['expiresAt', '2027-03-31', 'expiresAt: 2027-03-31T00:00Z'],
    ['expiresAt', '2027-03-31T18:00', 'expiresAt: 2027-03-31T18:00Z'],
    ['expiresAt', '2027-03-31T18:00+09:00', 'expiresAt: 2027-03-31T09:00Z'],
    ['expiresAt', '2027-01-01 00:30:15 -0100', 'expiresAt: 2027-01-01T01:30:15Z'],
  ])('of %s: %s is %s, which is valid', (field, typed, meant) => {
    const name = field.split('.').at(-1)!;
    expect(meantValue(field, parse(typed))).toBe(meant);
    expect(problems(field, `${name}: ${typed}`).map(({ hint }) => hint)).toEqual([`write ${meant}`]);
    expect(problems(field, meant)).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['timeouts.read', '2d'],
    ['timeouts.read', 'soon'],
    ['timeouts.connect', '5 hours'],
    ['timeouts.read', 0],
    ['timeouts.read', {}],
    ['limits.maxBody', '1.5g'],
    ['hsts.maxAge', '9y'],
    ['redirect', 'https://user:hunter2@www.hoge.com'],
    ['redirect', 'www.hoge.com'],
    ['protocol', 'constructor'],
    ['sticky', 'maybe'],
    ['expiresAt', '2027-02-31'],
    ['expiresAt', 'tomorrow'],
    ['maintenance', false],
    ['origin', 'Home'],
    ['toString', 'x'],
  ])('of %s: %j is unknown', (field, typed) => {
    expect(meantValue(field, typed)).toBeUndefined();
  });
});
