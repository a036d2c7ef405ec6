// `errorPages`: any HTML. The schema bounds its size; the YAML reader has refused NUL and control characters, as it does everywhere.
import type { ErrorPages } from '../../../schemas/types.ts';
import { block, saidBySchema } from './field.ts';

export const errorPages = block<ErrorPages>({
  '404': saidBySchema,
  '502': saidBySchema,
  '503': saidBySchema,
  '504': saidBySchema,
});
