// Comments on pull requests of the double: only who wrote one may edit it.
import { commentBody } from './github-bodies.fixture.ts';
import { type Handlers, invalid, notFound, paged, refused } from './github-handler.fixture.ts';

const BODY_CHARACTERS_MAX = 65_536;

export const COMMENT_HANDLERS: Handlers = {
  'get /repos/{owner}/{repo}/issues/{issue_number}/comments'({ state }, { parameters, query }) {
    const pull = Number(parameters.issue_number);
    if (!state.pulls.some(({ number }) => number === pull)) return notFound();
    const ofPull = state.comments.filter((one) => one.pull === pull);
    return { status: 200, body: paged(ofPull, query).map(commentBody) };
  },

  'post /repos/{owner}/{repo}/issues/{issue_number}/comments'({ state }, { parameters, body, who }) {
    const pull = Number(parameters.issue_number);
    if (!state.pulls.some(({ number }) => number === pull)) return notFound();
    if (String(body.body).length > BODY_CHARACTERS_MAX)
      return invalid(`body is too long (maximum is ${BODY_CHARACTERS_MAX} characters)`);
    const comment = { id: state.newId(), pull, who, body: String(body.body) };
    state.comments.push(comment);
    return { status: 201, body: commentBody(comment) };
  },

  'patch /repos/{owner}/{repo}/issues/comments/{comment_id}'({ state }, { parameters, body, who }) {
    const comment = state.comments.find(({ id }) => id === Number(parameters.comment_id));
    if (comment === undefined) return notFound();
    if (who.id !== comment.who.id) return refused(403, 'Resource not accessible by integration');
    comment.body = String(body.body);
    return { status: 200, body: commentBody(comment) };
  },
};
