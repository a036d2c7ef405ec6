// What every Source must do, whatever is behind it. The same suite runs on the real adapter and on the fake.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileChange } from '../../reconciler/core/files.ts';
import type { Source } from '../../reconciler/ports/source.ts';

/** A repository under the test's control, and the source that reads it. */
export interface SourceScenario {
  source: Source;
  /** Commits on top of `parent` (default: the branch) and moves the branch there. undefined deletes a file. */
  commit(files: Record<string, string | undefined>, parent?: string): Promise<string>;
  deleteBranch(): Promise<void>;
  dispose(): Promise<void>;
}

export function sourceContract(name: string, open: () => Promise<SourceScenario>): void {
  describe(`${name} as a Source`, () => {
    let scenario: SourceScenario;
    let source: Source;
    beforeEach(async () => {
      scenario = await open();
      source = scenario.source;
    });
    afterEach(() => scenario.dispose());

    it('fetches the newest commit of the branch', async () => {
      const first = await scenario.commit({ 'kokoa.yaml': 'a' });
      expect(await source.fetch()).toBe(first);
      expect(await source.fetch()).toBe(first);
      const second = await scenario.commit({ 'kokoa.yaml': 'b' });
      expect(await source.fetch()).toBe(second);
    });

    it('knows what the last fetch answered, whatever the repository did since', async () => {
      expect(await source.newestKnown()).toBeUndefined();
      const first = await scenario.commit({ 'kokoa.yaml': 'a' });
      expect(await source.newestKnown()).toBeUndefined();
      await source.fetch();
      expect(await source.newestKnown()).toBe(first);
      const second = await scenario.commit({ 'kokoa.yaml': 'b' });
      expect(await source.newestKnown()).toBe(first);
      await source.fetch();
      expect(await source.newestKnown()).toBe(second);
      await scenario.deleteBranch();
      await expect(source.fetch()).rejects.toMatchObject({ code: 'branch_missing' });
      expect(await source.newestKnown()).toBe(second);
    });

    it('reads a file again by the content id that it was named by, and nothing else', async () => {
      const commit = await scenario.commit({ 'kokoa.yaml': 'k', 'routes/hoge/big.yaml': 'x'.repeat(1024 * 1024 + 1) });
      await source.fetch();
      const [kokoa, big] = await source.changes(undefined, commit);
      expect(Buffer.from((await source.contents(kokoa!.blob!))!).toString()).toBe('k');
      for (const blob of [big!.blob!, '0'.repeat(40), commit, 'HEAD', '', `${kokoa!.blob}\n`])
        expect(await source.contents(blob)).toBeUndefined();
    });

    it('reads every data file of a commit when there is nothing to compare with, and no other file', async () => {
      const commit = await scenario.commit({
        'kokoa.yaml': 'k',
        'routes/hoge/app.yaml': 'r',
        'routes/hoge/deep/er.yml': 'd',
        'origins/home.yaml': 'o',
        'edges/tokyo-1.yaml': 'e',
        'README.md': 'no',
        'routes/hoge/notes.txt': 'no',
        'elsewhere/routes/x.yaml': 'no',
        'other.yaml': 'no',
      });
      await source.fetch();
      expect(texts(await source.changes(undefined, commit))).toEqual({
        'kokoa.yaml': 'k',
        'routes/hoge/app.yaml': 'r',
        'routes/hoge/deep/er.yml': 'd',
        'origins/home.yaml': 'o',
        'edges/tokyo-1.yaml': 'e',
      });
    });

    it('reads only what differs between two commits, in both directions', async () => {
      const from = await scenario.commit({ 'kokoa.yaml': 'k', 'routes/a/x.yaml': '1', 'routes/a/y.yaml': '2' });
      const to = await scenario.commit({ 'routes/a/x.yaml': '3', 'routes/a/y.yaml': undefined, 'edges/e.yaml': '4' });
      await source.fetch();
      expect(texts(await source.changes(from, to))).toEqual({
        'routes/a/x.yaml': '3',
        'routes/a/y.yaml': undefined,
        'edges/e.yaml': '4',
      });
      expect(texts(await source.changes(to, from))).toEqual({
        'routes/a/x.yaml': '1',
        'routes/a/y.yaml': '2',
        'edges/e.yaml': undefined,
      });
      expect(await source.changes(to, to)).toEqual([]);
    });

    it('gives the same content the same id, wherever it stands', async () => {
      const commit = await scenario.commit({
        'routes/a/x.yaml': 'same',
        'routes/b/x.yaml': 'same',
        'routes/c/x.yaml': 'other',
      });
      await source.fetch();
      const ids = (await source.changes(undefined, commit)).map(({ blob }) => blob);
      expect(new Set(ids).size).toBe(2);
    });

    it('carries paths and contents that are not plain ASCII', async () => {
      const files = {
        'routes/hoge/日本 語.yaml': 'é\r\n\t"quoted"',
        'routes/hoge/a\nb.yaml': '',
        "routes/hoge/'q'.yaml": '\u0000',
      };
      const commit = await scenario.commit(files);
      await source.fetch();
      expect(texts(await source.changes(undefined, commit))).toEqual(files);
    });

    it('brings no more than one byte above the limit of a file that is too large', async () => {
      const commit = await scenario.commit({
        'routes/a/big.yaml': 'x'.repeat(3 * 1024 * 1024),
        'routes/a/ok.yaml': 'y',
      });
      await source.fetch();
      const sizes = Object.fromEntries(
        (await source.changes(undefined, commit)).map((one) => [one.path, one.bytes?.length]),
      );
      expect(sizes).toEqual({ 'routes/a/big.yaml': 1024 * 1024 + 1, 'routes/a/ok.yaml': 1 });
    });

    it('follows a branch that was rewritten, and tells that the old commit is no ancestor', async () => {
      const base = await scenario.commit({ 'kokoa.yaml': '1' });
      const old = await scenario.commit({ 'kokoa.yaml': '2' });
      await source.fetch();
      const rewritten = await scenario.commit({ 'kokoa.yaml': '3' }, base);
      expect(await source.fetch()).toBe(rewritten);
      expect(await source.isAncestor(base, rewritten)).toBe(true);
      expect(await source.isAncestor(rewritten, rewritten)).toBe(true);
      expect(await source.isAncestor(old, rewritten)).toBe(false);
      expect(await source.isAncestor(rewritten, base)).toBe(false);
      expect(await source.isAncestor('0'.repeat(40), rewritten)).toBe(false);
    });

    it('says commit_missing for a commit the repository does not hold', async () => {
      const commit = await scenario.commit({ 'kokoa.yaml': '1' });
      await source.fetch();
      await expect(source.changes('1'.repeat(40), commit)).rejects.toMatchObject({ code: 'commit_missing' });
      await expect(source.changes(commit, '1'.repeat(40))).rejects.toMatchObject({ code: 'commit_missing' });
      await expect(collect(source.history('kokoa.yaml', '1'.repeat(40), 9))).rejects.toMatchObject({
        code: 'commit_missing',
      });
    });

    it('says branch_missing when the branch is deleted, keeps what it has, and recovers', async () => {
      const commit = await scenario.commit({ 'kokoa.yaml': '1' });
      await source.fetch();
      await scenario.deleteBranch();
      await expect(source.fetch()).rejects.toMatchObject({ code: 'branch_missing' });
      expect(texts(await source.changes(undefined, commit))).toEqual({ 'kokoa.yaml': '1' });
      const next = await scenario.commit({ 'kokoa.yaml': '2' }, commit);
      expect(await source.fetch()).toBe(next);
    });

    it('lists the older versions of one file, newest first, at most as many as asked', async () => {
      await scenario.commit({ 'kokoa.yaml': 'k', 'routes/a/x.yaml': '1' });
      await scenario.commit({ 'routes/a/x.yaml': '2' });
      await scenario.commit({ 'kokoa.yaml': 'unrelated' });
      await scenario.commit({ 'routes/a/x.yaml': '3' });
      const commit = await scenario.commit({ 'kokoa.yaml': 'again' });
      await source.fetch();
      expect((await collect(source.history('routes/a/x.yaml', commit, 100))).map(text)).toEqual(['2', '1']);
      expect((await collect(source.history('routes/a/x.yaml', commit, 1))).map(text)).toEqual(['2']);
      expect(await collect(source.history('routes/a/none.yaml', commit, 100))).toEqual([]);
    });

    it('walks the branch along first parents, newest first, and ends before the commit that is known', async () => {
      const first = await scenario.commit({ 'kokoa.yaml': '1' });
      const second = await scenario.commit({ 'README.md': 'no data' });
      const third = await scenario.commit({ 'kokoa.yaml': '3' });
      await source.fetch();
      const walked = await source.firstParents(undefined, third, 9);
      expect(walked.map(({ commit, parent }) => [commit, parent])).toEqual([
        [third, second],
        [second, first],
        [first, undefined],
      ]);
      for (const { committedMs } of walked) expect(Math.abs(committedMs - Date.now())).toBeLessThan(60_000);
      expect((await source.firstParents(first, third, 9)).map(({ commit }) => commit)).toEqual([third, second]);
      expect((await source.firstParents(first, third, 1)).map(({ commit }) => commit)).toEqual([third]);
      expect(await source.firstParents(third, third, 9)).toEqual([]);
      expect((await source.firstParents('1'.repeat(40), third, 9)).map(({ commit }) => commit)).toEqual([
        third,
        second,
        first,
      ]);
      await expect(source.firstParents(undefined, '1'.repeat(40), 9)).rejects.toMatchObject({ code: 'commit_missing' });
    });

    it('does not reach behind a deletion when it lists older versions', async () => {
      await scenario.commit({ 'routes/a/x.yaml': 'before' });
      await scenario.commit({ 'routes/a/x.yaml': undefined, 'kokoa.yaml': 'k' });
      await scenario.commit({ 'routes/a/x.yaml': 'again' });
      const commit = await scenario.commit({ 'routes/a/x.yaml': 'now' });
      await source.fetch();
      expect((await collect(source.history('routes/a/x.yaml', commit, 100))).map(text)).toEqual(['again']);
    });
  });
}

function text(change: FileChange): string | undefined {
  return change.bytes && Buffer.from(change.bytes).toString();
}

function texts(changes: FileChange[]): Record<string, string | undefined> {
  for (const change of changes) expect(change.blob === undefined).toBe(change.bytes === undefined);
  return Object.fromEntries(changes.map((change) => [change.path, text(change)]));
}

async function collect(items: AsyncIterable<FileChange>): Promise<FileChange[]> {
  const all: FileChange[] = [];
  for await (const item of items) all.push(item);
  return all;
}
