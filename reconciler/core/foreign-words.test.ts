import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { schemas } from '../../schemas/by-kind.ts';
import { FOREIGN_WORDS, foreignWordHint } from './foreign-words.ts';
import { loadFile } from './load.ts';

const ROUTE = 'hostname: app.hoge.com\norigin: home\nport: 8080\n';
const OURS = new Set([
  ...Object.keys(schemas.route.properties),
  ...Object.keys(schemas.route.definitions.path.properties),
]);

describe('foreignWordHint', () => {
  it.each(FOREIGN_WORDS)('%s is none of our words, and the answer names one that is', (word) => {
    expect(word).toMatch(/^[a-z0-9]+$/);
    expect([...OURS].map((name) => name.toLowerCase())).not.toContain(word);
    const hint = foreignWordHint(word)!;
    expect(hint).toMatch(/^(write|delete it:) /);
    const named = [...hint.matchAll(/\b([a-z][A-Za-z]*):(?= )|(?:write|see) ([a-z][A-Za-z]*)/g)];
    const names = named.map(([, colon, plain]) => colon ?? plain!).filter((name) => !NOT_TOP.has(name));
    for (const name of names) expect([hint, name, OURS.has(name)]).toEqual([hint, name, true]);
  });

  it.each(['noTLSVerify: true', 'no_tls_verify: true', 'NoTlsVerify: {}'])('is said of %s', (line) => {
    const [problem] = loadFile('routes/hoge/a.yaml', 'b', Buffer.from(`${ROUTE}${line}\n`)).problems;
    expect([problem?.rule, problem?.hint]).toEqual(['KK112', 'write protocol: https and originTls: {verify: none}']);
  });

  it('is said of parts of a site too, and of nothing else', () => {
    const hints = (text: string) =>
      loadFile('routes/hoge/a.yaml', 'b', Buffer.from(text)).problems.map(({ hint }) => hint);
    expect(hints(`${ROUTE}paths: [{prefix: /a, proxy_pass: http://x}]\n`)).toEqual([foreignWordHint('proxypass')]);
    expect(hints(`${ROUTE}limits: {service: 1}\n`)).toEqual(['delete the line, or correct the name']);
    expect(foreignWordHint('constructor')).toBeUndefined();
  });

  it('proposes blocks that are YAML', () => {
    for (const word of FOREIGN_WORDS)
      for (const [block] of foreignWordHint(word)!.matchAll(/\{.*\}/g)) expect(() => parse(block)).not.toThrow();
  });
});

/** Words in front of a colon that stand inside a block, or name no property. */
const NOT_TOP = new Set([
  ...[
    'it',
    'kind',
    'one',
    'what',
    'itself',
    'route',
    'users',
    'basic',
    'forward',
    'path',
    'verify',
    'ca',
    'serverName',
    'connect',
    'read',
    'request',
  ],
  ...['response', 'set', 'to', 'maxAge', 'maxBody', 'requestsPerSecond'],
]);
