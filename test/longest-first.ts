// The order of the test files: the longest begin first, so that no worker is left alone with one of them at the end. Those that
// wait stand beside those that work.
import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than about 5 s, or folders of such. */
const LONGEST = [
  'agent/forwarding.test.ts',
  'agent/forwarding-udp.test.ts',
  'agent/dead-tunnels.test.ts',
  'agent/adapters/nftables.test.ts',
  'test/e2e/line.test.ts',
  'agent/hostile-edge.test.ts',
  'agent/leave.test.ts',
  'agent/preflight.test.ts',
  'test/e2e/rollout.test.ts',
  'agent/signed-but-refused.test.ts',
  'agent/besieged.test.ts',
  'agent/adapters/certbot.test.ts',
  'test/e2e/black-hole.test.ts',
  'agent/adapters/nginx.test.ts',
  'agent/adapters/nginx-old-workers.test.ts',
  'test/edge/backends.test.ts',
  'reconciler/cli/seal.test.ts',
  'test/edge/public-ports.test.ts',
  'agent/one-file.test.ts',
  'reconciler/cli/serve.test.ts',
  'reconciler/core/hostile-values.test.ts',
  'test/packaging.test.ts',
  'agent/core/hostile-wire.test.ts',
  'test/e2e/',
  'reconciler/adapters/git.test.ts',
  'test/golden-compile/',
  'agent/adapters/trusted-dir-damage.test.ts',
  'agent/certificates-hostile.test.ts',
  'agent/adapters/trusted-dir.test.ts',
  'test/edge/',
  'reconciler/http/hostile.test.ts',
  'reconciler/cli/',
  'agent/',
];

/** What is not named comes last, as the base has it. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const root = this.ctx.config.root;
    const place = ({ moduleId }: TestSpecification) => {
      const found = LONGEST.findIndex((start) => relative(root, moduleId).startsWith(start));
      return found === -1 ? LONGEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
