// What a person is told after a file was written, word by word: nobody should need to know more to go on.
import { expect, test } from 'vitest';
import { type RouteStep, routeSteps } from './next-steps.ts';

const BLOG: RouteStep = {
  ...{ dir: '.', path: 'routes/hoge/blog.hoge.com.yaml', hostname: 'blog.hoge.com' },
  ...{ pool: 'default', origin: 'home', allow: '9000' },
};
const steps = (more: Partial<RouteStep> = {}) => routeSteps({ ...BLOG, ...more }).join('\n');

test('of a route are the check, the proposal, the owner of the origin, and DNS', () => {
  expect(steps()).toBe(`
Next: propose the file; the merge puts the name on the internet:
  npx kokoa validate --base origin/main
  git switch -c add-blog.hoge.com
  git add routes/hoge/blog.hoge.com.yaml
  git commit -m 'Route blog.hoge.com'
  git push -u origin HEAD
Trying it out with npm start? Commit on main instead: it follows main.
Origin: the owner of home must have allowed 9000
        (kokoa-agent join --allow), else visitors get 502.
DNS: blog.hoge.com must lead to the edges of pool default.`);
});

test('of a wildcard promise no visitor, because nobody orders its certificate', () => {
  const text = steps({ hostname: '*.hoge.com' });
  expect(text).toContain('Nobody orders the certificate of a wildcard');
  expect(text).not.toContain('puts the name on the internet');
});

test('of another folder name it in every command, and fit into 80 columns', () => {
  const text = steps({ dir: '../a folder', allow: '192.168.100.200:65535', hostname: '*.hoge.com' });
  expect(text).toContain("\n  npx kokoa validate '../a folder' --base origin/main\n  git -C '../a folder' switch");
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});
