// Whose reports count: those of nodes of git, and of nodes that are let in.
import { expect, it } from 'vitest';
import { reportsInGit, reportsInService } from './reports-in-git.ts';

const STATES = { e1: 'active', e2: 'draining', e3: 'suspended', e4: 'revoked', e5: 'compromised' };

it('of nodes that git does not have nothing counts, and of those that are kept out not how they serve', () => {
  const access = new Map(Object.entries(STATES).map(([node, state]) => [`token of ${node}`, { node, state }]));
  const reports = { reports: () => [...Object.keys(STATES), 'gone'].map((node) => ({ node })) };
  const known = { reports, served: { access } } as unknown as Parameters<typeof reportsInGit>[0];
  const names = (found: Iterable<{ node: string }>) => Array.from(found, ({ node }) => node).join(' ');
  expect(names(reportsInGit(known))).toBe('e1 e2 e3 e4 e5');
  expect(names(reportsInService(known))).toBe('e1 e2');
});
