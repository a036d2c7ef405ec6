import { describe, expect, it } from 'vitest';
import { checkAll, viewOf } from './check.ts';
import {
  HOSTILE_VALUES,
  type HostileRoute,
  hostileRoutes,
  layer4Fields,
  STYLES,
  textFields,
} from './hostile-values.fixture.ts';
import { loadFile } from './load.ts';
import { edge, kokoa, origin } from './world.fixture.ts';

const PATH = 'routes/hoge/app.hoge.com.yaml';
const TEAM = { name: 'hoge', hostnames: ['*.hoge.com'], ports: ['25565'] };
const FLEET = { teams: [TEAM], pools: [{ name: 'default', tlsPassthrough: true }] };
const REST = [kokoa(FLEET), edge('tokyo-1'), origin('home')];

/** Text that people choose freely: it must be kept from meaning anything by whoever writes it down. */
const FREE_TEXT = /^errorPages\.|^headers\.(request|response)\.set\.\*$|^(paths\[\]\.)?check\.body$/;
/** What is left for all others, PEM lines included: nothing that ends, opens, quotes or expands anything. */
const HARMLESS = /^[A-Za-z0-9._~:/@%+,=!*?&\n -]*$/;
/** RFC 9110, 5.5, without dollar and backslash. */
const HEADER = /^[!-#%-[\]-~]([ -#%-[\]-~]*[!-#%-[\]-~])?$/;

function judged(yaml: string) {
  const file = loadFile(PATH, 'b', Buffer.from(yaml));
  const problems = [...file.problems, ...checkAll(viewOf([...REST, file]))];
  return { file, problems, errors: problems.filter(({ severity }) => severity === 'error') };
}

/** Every text in a value but free text, with its place. */
function textsOf(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((item) => textsOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]): [string, string][] => {
    const isFree = /^headers\.(request|response)\.set$/.test(path);
    const at = path === '' ? name : `${path}.${isFree ? '*' : name}`;
    return [...(isFree ? [[`${path}.KEY`, name] as [string, string]] : []), ...textsOf(one, at)];
  });
}

/** Judges what a person wrote. True: it is refused, with a place. False: it is valid, and no text in it could mean more than itself. */
function isRefused({ yaml, style, value }: HostileRoute): boolean {
  const { file, problems, errors } = judged(yaml);
  const lines = yaml.split('\n').length;
  for (const { file: path, line, column, message, hint } of problems) {
    expect([path, line > 0 && line <= lines, column > 0], `${style} ${JSON.stringify(value)}`).toEqual([
      PATH,
      true,
      true,
    ]);
    expect(message + hint).not.toMatch(/[\0-\x1f\u202e\u200b\ufeff\ud800]/);
  }
  if (errors.length > 0) return true;
  for (const [path, text] of textsOf({ ...file.value, hostname: (file as { hostname?: string }).hostname })) {
    if (path.startsWith('headers.')) expect([path, text]).toEqual([path, expect.stringMatching(HEADER)]);
    if (!FREE_TEXT.test(path)) expect([path, text]).toEqual([path, expect.stringMatching(HARMLESS)]);
  }
  return false;
}

describe('hostile values', () => {
  it('are tried in every text field', () => {
    expect(textFields().length).toBeGreaterThan(50);
    expect(textFields()).toEqual(expect.arrayContaining(['paths[].prefix', 'headers.request.set.KEY', 'redirect.to']));
  });

  it.each(textFields())('in %s are a problem with a place, or nothing but text', (field) => {
    const routes = [...hostileRoutes(field)];
    expect(judged(routes[0]!.harmless).errors).toEqual([]);
    const refused = routes.filter(isRefused);
    expect(refused.length).toBeGreaterThan(FREE_TEXT.test(field) ? 10 : 80);
  });

  it('are tried in layer 4 routes too', () => {
    expect(layer4Fields().length).toBeGreaterThan(20);
  });

  it.each(layer4Fields())(
    'in a %s route, in %s, are a problem with a place, or nothing but text',
    (protocol, field) => {
      const routes = [...hostileRoutes(field, ['double'], protocol)];
      expect(judged(routes[0]!.harmless).errors).toEqual([]);
      expect(routes.filter(isRefused).length).toBeGreaterThan(80);
    },
  );

  it.each([
    ['teams[].ports', (value: string) => ({ ...FLEET, teams: [{ ...TEAM, ports: [value] }] }), /^[0-9]+(-[0-9]+)?$/],
    [
      'pools[].proxyProtocolFrom',
      (value: string) => ({ ...FLEET, pools: [{ name: 'default', proxyProtocolFrom: [value] }] }),
      /^[0-9a-f.:]+(\/[0-9]+)?$/,
    ],
  ])('in kokoa.yaml, in %s, are a problem or nothing but that', (_, withValue, harmless) => {
    const accepted = HOSTILE_VALUES.filter((value) => {
      const { value: settings } = kokoa(withValue(value)) as { value: unknown };
      const file = loadFile('kokoa.yaml', 'k', Buffer.from(JSON.stringify(settings)));
      return [...file.problems, ...checkAll(viewOf([file]))].length === 0;
    });
    expect(accepted.filter((value) => !harmless.test(value))).toEqual([]);
    expect(accepted.length).toBeLessThan(10);
  });

  it.each(['hostname', 'paths[].prefix', 'headers.response.set.KEY', 'errorPages.404'])(
    'in %s are no more than that in other styles of YAML',
    (field) => {
      const refused = [...hostileRoutes(field, STYLES)].filter(isRefused);
      expect(refused.length).toBeGreaterThan(60);
    },
  );
});
