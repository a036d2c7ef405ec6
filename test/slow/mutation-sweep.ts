// Takes every directive out of the web server's templates, one at a time, and asks whether a real nginx, a real client and a real origin
// notice. What nobody notices stands in survivors.json with its reason, or the sweep fails. About an hour on two cores.
//   node test/slow/mutation-sweep.ts [--only TEXT] [--list]
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { type Directive, directivesOf, without } from './template-directives.ts';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const TEMPLATES = 'agent/templates';
const WORKERS = 2;
const RUN_MS_MAX = 180_000;

/** Which tests look at a template; those that end first stand first. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  'streams.conf': ['agent/adapters/nginx-layer-4.test.ts', 'test/edge/layer-4.test.ts'],
  'upstreams.conf': ['test/edge/backends.test.ts', 'test/edge/basic.test.ts', 'agent/adapters/nginx-serving.test.ts'],
  'gates.conf': [
    'test/edge/paths.test.ts',
    'test/edge/access.test.ts',
    'test/edge/auth.test.ts',
    'test/edge/protocol.test.ts',
    'test/edge/answers.test.ts',
  ],
  'classes.conf': ['test/edge', 'agent/adapters/nginx-serving.test.ts', 'agent/adapters/nginx-layer-4.test.ts'],
  'nginx.conf': [
    'test/edge',
    'agent/adapters/nginx-serving.test.ts',
    'agent/adapters/nginx.test.ts',
    'agent/adapters/nginx-layer-4.test.ts',
  ],
};

interface Survivor {
  template: string;
  directive: string;
  reason: string;
}

const { values } = parseArgs({ options: { only: { type: 'string' }, list: { type: 'boolean', default: false } } });
const known = JSON.parse(readFileSync(new URL('survivors.json', import.meta.url), 'utf8')) as Survivor[];
const mutants = Object.keys(TESTS)
  .flatMap((template) => directivesOf(template, readFileSync(join(TOP, TEMPLATES, `${template}.mustache`), 'utf8')))
  .filter(({ template, text }) => values.only === undefined || `${template} ${text}`.includes(values.only));

if (values.list) for (const { template, line, text } of mutants) console.log(`${template}:${line}: ${text}`);
else process.exitCode = await sweep();

async function sweep(): Promise<number> {
  const survivors: Directive[] = [];
  const queue = [...mutants];
  const work = async () => {
    const copy = await copyOfRepository();
    try {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const survived = await survives(mutant, copy);
        if (survived) survivors.push(mutant);
        const { template, line, text } = mutant;
        console.log(`${survived ? 'SURVIVED' : 'noticed '} ${template}:${line}: ${text}`);
      }
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  return judge(survivors);
}

/** Survivors without a reason, and reasons without a survivor, are both wrong. */
function judge(survivors: readonly Directive[]): number {
  const same = (a: Survivor, b: Directive) => a.template === b.template && a.directive === b.text;
  const unexplained = survivors.filter((survivor) => !known.some((one) => same(one, survivor)));
  const swept = known.filter((one) => mutants.some((mutant) => same(one, mutant)));
  const outdated = swept.filter((one) => !survivors.some((survivor) => same(one, survivor)));
  for (const { template, line, text } of unexplained) console.log(`nobody noticed ${template}:${line}: ${text}`);
  for (const { template, directive } of outdated) console.log(`noticed after all: ${template}: ${directive}`);
  console.log(`${mutants.length} directives, ${survivors.length} survivors, ${unexplained.length} of them unexplained`);
  return unexplained.length + outdated.length === 0 ? 0 : 1;
}

async function survives({ template, line, lines }: Directive, copy: string): Promise<boolean> {
  const path = join(TEMPLATES, `${template}.mustache`);
  const whole = readFileSync(join(TOP, path), 'utf8');
  writeFileSync(join(copy, path), without(whole, line, lines));
  try {
    for (const test of TESTS[template]!) {
      const { exitCode } = await execa(join(TOP, 'node_modules/.bin/vitest'), ['run', test, '--bail', '1'], {
        ...{ cwd: copy, reject: false, stdio: 'ignore', timeout: RUN_MS_MAX, forceKillAfterDelay: 10_000 },
      });
      if (exitCode !== 0) return false;
    }
    return true;
  } finally {
    writeFileSync(join(copy, path), whole);
  }
}

async function copyOfRepository(): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), 'kokoa-mutants-'));
  const { stdout } = await execa('git', ['ls-files', '-z'], { cwd: TOP });
  for (const path of stdout.split('\0').filter((one) => one !== '')) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(TOP, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(TOP, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
