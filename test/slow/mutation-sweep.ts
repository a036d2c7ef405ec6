// Takes every directive out of the web server's templates, one at a time, and asks whether a real nginx, a real client and a real origin
// notice. What nobody notices stands in survivors.json with its reason, or the sweep fails. About two hours on two cores.
//   npm run test:slow -- mutations [--template NAME] [--only TEXT] [--list] [--results FILE | --resume FILE]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { copiesOf } from './repository-copy.ts';
import { complaintsAbout, readSurvivors } from './survivors.ts';
import { type Directive, directivesOf, without } from './template-directives.ts';
import { runTest } from './test-run.ts';
import { missingTests, TESTS, testsFor } from './tests-of-templates.ts';
import { newVerdictFile, readVerdicts, type Verdict, verdictFile } from './verdicts.ts';

const TOP = fileURLToPath(new URL('../..', import.meta.url));
const WORKERS = 2;

function valuesOf(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      template: { type: 'string' },
      only: { type: 'string' },
      list: { type: 'boolean', default: false },
      results: { type: 'string' },
      resume: { type: 'string' },
    },
  }).values;
}
let values = valuesOf([]);
let startedAt = Date.now();
const stop = new AbortController();

/** True: somebody notices every directive but the known ones. @throws Error when it cannot be said, or on Ctrl-C */
export async function mutationSweep(args: readonly string[]): Promise<boolean> {
  values = valuesOf(args);
  startedAt = Date.now();
  // Not once: execa's own listener would end this process at once if it were the only one left.
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => stop.abort(new Error('interrupted: --resume FILE goes on, if --results FILE was given')));
  }
  if (!values.list) return (await sweep()) === 0;
  for (const directive of mutantsIn(TOP)) console.log(placeOf(directive));
  return true;
}

async function sweep(): Promise<number> {
  const { folders, remove } = await copiesOf(TOP, WORKERS);
  try {
    const mutants = mutantsIn(folders[0]!);
    if (mutants.length === 0) throw new Error('no directive is asked for: look at --list');
    await provePassing(folders, mutants);
    const verdicts = await judgeAll(folders, mutants);
    // What passes no more has noticed nothing.
    await provePassing(folders, mutants);
    return report(mutants, verdicts);
  } finally {
    remove();
  }
}

/** As the templates in `top` stand now. */
function mutantsIn(top: string): Directive[] {
  return Object.keys(TESTS)
    .filter((template) => values.template === undefined || template === values.template)
    .flatMap((template) => directivesOf(template, readFileSync(templateFile(top, template), 'utf8')))
    .filter((directive) => values.only === undefined || placeOf(directive).includes(values.only));
}

/** @throws Error when a test that is to notice something is missing, or fails with nothing changed */
async function provePassing(folders: readonly string[], mutants: readonly Directive[]): Promise<void> {
  const missing = missingTests(folders[0]!);
  if (missing.length > 0) throw new Error(`tests-of-templates.ts names ${missing.join(', ')}, which does not exist`);
  // Long ones first, so that all folders end at about the same time.
  const files = [...new Set(mutants.flatMap(testsFor))].reverse();
  say(`${files.length} test files with nothing changed`);
  await shareOut(folders, files, async (folder, file) => {
    const run = await runTest(folder, file, stop.signal);
    stop.signal.throwIfAborted();
    if (run.kind === 'failed') throw new Error(`${file} fails with nothing changed: ${run.by}`);
    if (run.kind === 'broken') throw new Error(`${file} with nothing changed: ${run.why}`);
  });
}

async function judgeAll(folders: readonly string[], mutants: readonly Directive[]): Promise<Verdict[]> {
  const verdicts = values.resume === undefined ? [] : readVerdicts(values.resume, mutants);
  const file =
    values.resume === undefined ? values.results && newVerdictFile(values.results) : verdictFile(values.resume);
  const judged = new Set(verdicts.map(({ directive }) => directive));
  const left = mutants.filter((mutant) => !judged.has(mutant));
  await shareOut(folders, left, async (folder, mutant) => {
    const verdict = await judge(folder, mutant);
    stop.signal.throwIfAborted();
    verdicts.push(verdict);
    if (file) file.add(verdict);
    say(
      `${verdicts.length}/${mutants.length} ${verdict.outcome} ${placeOf(mutant)} ${verdict.by && `(${verdict.by})`}`,
    );
  });
  return verdicts;
}

async function judge(folder: string, directive: Directive): Promise<Verdict> {
  const path = templateFile(folder, directive.template);
  const whole = readFileSync(path, 'utf8');
  writeFileSync(path, without(whole, directive.line, directive.lines));
  try {
    for (const file of testsFor(directive)) {
      const run = await runTest(folder, file, stop.signal);
      if (run.kind === 'failed') return { directive, outcome: 'noticed', by: `${file}: ${run.by}` };
      if (run.kind === 'broken') return { directive, outcome: 'unclear', by: `${file}: ${run.why}` };
    }
    return { directive, outcome: 'survived', by: '' };
  } finally {
    writeFileSync(path, whole);
  }
}

function report(mutants: readonly Directive[], verdicts: readonly Verdict[]): number {
  const complaints = complaintsAbout(verdicts, readSurvivors());
  for (const complaint of complaints) console.log(complaint);
  const survived = verdicts.filter(({ outcome }) => outcome === 'survived').length;
  say(`${mutants.length} directives, ${survived} survivors, ${complaints.length} complaints`);
  return complaints.length === 0 ? 0 : 1;
}

/** Every item is taken by the first folder that is free. The first error ends the sharing, when all work at hand is done. */
async function shareOut<T>(
  folders: readonly string[],
  items: readonly T[],
  work: (folder: string, item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const take = async (folder: string) => {
    try {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(folder, item);
    } catch (error) {
      queue.length = 0;
      throw error;
    }
  };
  for (const end of await Promise.allSettled(folders.map(take))) if (end.status === 'rejected') throw end.reason;
}

function templateFile(top: string, template: string): string {
  return join(top, 'agent/templates', `${template}.mustache`);
}

function placeOf({ template, line, text }: Directive): string {
  return `${template}:${line}: ${text}`;
}

/** With the minutes that went by. */
function say(text: string): void {
  console.log(`${((Date.now() - startedAt) / 60_000).toFixed(1)} min  ${text}`);
}
