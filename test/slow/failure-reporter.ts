// A reporter of vitest that says where a run failed first, in a test or in what comes before it, and nothing else.
import type { TestModule, TestSuite } from 'vitest/node';

/** Begins the one line there is. */
export const FAILURE_MARK = 'failed first: ';
const REASON_CHARACTERS_MAX = 200;

export default class FailureReporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const failure = modules.flatMap((module) => [...failuresOf(module)])[0];
    if (failure !== undefined) process.stdout.write(`${FAILURE_MARK}${failure}\n`);
  }
}

/** Title and the first line of what it says. */
function* failuresOf(module: TestModule): Generator<string> {
  for (const test of module.children.allTests('failed')) {
    yield `${test.fullName}: ${firstLine(test.result().errors ?? [])}`;
  }
  for (const part of [module, ...module.children.allSuites()]) {
    if (part.errors().length > 0) yield `before the tests${titleOf(part)}: ${firstLine(part.errors())}`;
  }
}

function titleOf(part: TestModule | TestSuite): string {
  return part.type === 'suite' ? ` of ${part.fullName}` : '';
}

function firstLine(errors: readonly { message: string }[]): string {
  return (errors[0]?.message ?? '').split('\n')[0]!.slice(0, REASON_CHARACTERS_MAX);
}
