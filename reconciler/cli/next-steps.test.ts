// What a person is told after a file was written, word by word: nobody should need to know more to go on.
import { expect, test } from 'vitest';
import { type NodeStep, nodeSteps, type RouteStep, routeSteps } from './next-steps.ts';

const BLOG: RouteStep = {
  ...{ kokoa: 'kokoa', dir: '.', path: 'routes/hoge/blog.hoge.com.yaml', hostname: 'blog.hoge.com' },
  ...{ pool: 'default', origin: 'home', allow: '9000' },
};
const steps = (more: Partial<RouteStep> = {}) => routeSteps({ ...BLOG, ...more }).join('\n');

test('of a route are the check, the proposal, the owner of the origin, and DNS', () => {
  expect(steps()).toBe(`
Next: propose the file; the merge puts the name on the internet:
  kokoa validate --base origin/main
  git switch -c add-blog.hoge.com
  git add routes/hoge/blog.hoge.com.yaml
  git commit -m 'Route blog.hoge.com'
  git push -u origin HEAD
Trying it out with npm start? Commit on main instead: it follows main.
Origin: the owner of home must have allowed 9000
        (kokoa-agent join --allow), else visitors get 502.
DNS: blog.hoge.com must lead to the edges of pool default.`);
});

test('of a wildcard promise no visitor, because not everywhere its certificate is ordered', () => {
  const text = steps({ hostname: '*.hoge.com' });
  expect(text).toContain('HTTP-01 proves no wildcard');
  expect(text).toContain('tls.certificate');
  expect(text).toContain('kokoa-agent certs import');
  expect(text).not.toContain('puts the name on the internet');
});

test('of another folder name it in every command, and fit into 80 columns', () => {
  const text = steps({ dir: '../a folder', allow: '192.168.100.200:65535', hostname: '*.hoge.com' });
  expect(text).toContain("\n  kokoa validate '../a folder' --base origin/main\n  git -C '../a folder' switch");
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

const TOKYO: NodeStep = {
  ...{ role: 'edge', name: 'tokyo-1', path: 'edges/tokyo-1.yaml', dir: '.', url: 'https://control.hoge.com:8443' },
  ...{ fingerprint: 'f'.repeat(64), generation: 1 },
};

test('of a machine stand below their number, and what continues a command stands further in', () => {
  expect(nodeSteps(TOKYO).join('\n')).toBe(`
The token above is shown once and kept nowhere: only its hash is in the file.

1. Propose the file; the edge counts from the merge on:
   git switch -c add-tokyo-1
   git add edges/tokyo-1.yaml
   git commit -m 'Let edge tokyo-1 join'
   git push -u origin HEAD
   Trying it out with npm start? Commit on main instead: it follows main.
2. On the edge, as root. It asks for the token, or reads standard input:
   kokoa-agent join https://control.hoge.com:8443 --role edge --fingerprint \\
     ${'f'.repeat(64)}
   It waits until edges/tokyo-1.yaml is on main, then starts.`);
});

test.each([
  ['an origin', { role: 'origin' }],
  ['a machine whose control plane has a long name', { url: `https://${'long.'.repeat(15)}hoge.com:8443` }],
  ['a new token', { generation: 2, fingerprint: undefined }],
] as const)('of %s fit into 80 columns, as far as names allow, and make one command', (_, change) => {
  const text = nodeSteps({ ...TOKYO, ...change }).join('\n');
  expect(text.split('\n').filter((line) => line.length > 80 && !/ https:\S+ \\$/.test(line))).toEqual([]);
  const [command] = text.replaceAll(/ \\\n +/g, ' ').match(/kokoa-agent join .*/)!;
  const { role, url, fingerprint = 'FINGERPRINT' } = { ...TOKYO, ...change };
  const allow = role === 'origin' ? '--allow PORTS ' : '';
  expect(command).toBe(`kokoa-agent join ${url} --role ${role} ${allow}--fingerprint ${fingerprint}`);
});
