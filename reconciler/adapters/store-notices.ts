// What operators were told, in the embedded store. Callers hold the transaction.
import type { DatabaseSync } from 'node:sqlite';
import type { KeptNotices, KeptTopicText, KeptWaitingText } from '../ports/kept-notices.ts';

/** Beyond them the oldest go. */
const TOPICS_MAX = 2_000;
const WAITING_MAX = 200;

export interface NoticeTable {
  topics(): KeptTopicText[];
  waiting(): KeptWaitingText[];
  keep(change: Parameters<KeptNotices['keepNotice']>[0]): void;
  drop(gone: Parameters<KeptNotices['dropWaiting']>[0]): void;
}

export function createNoticeTable(database: DatabaseSync): NoticeTable {
  const sql = (text: string) => database.prepare(text);
  const topics = sql('SELECT key, text FROM notice_topics ORDER BY id');
  const waiting = sql('SELECT channel, notice, text FROM notices_waiting ORDER BY id');
  const forget = sql('DELETE FROM notice_topics WHERE key = ?');
  const putTopic = sql('INSERT INTO notice_topics (key, text) VALUES (?, ?)');
  const pruneTopics = sql(
    'DELETE FROM notice_topics WHERE id <= (SELECT id FROM notice_topics ORDER BY id DESC LIMIT 1 OFFSET ?)',
  );
  const dropOne = sql('DELETE FROM notices_waiting WHERE channel = ? AND notice = ?');
  const putWaiting = sql('INSERT INTO notices_waiting (channel, notice, text) VALUES (?, ?, ?)');
  const pruneWaiting = sql(
    `DELETE FROM notices_waiting WHERE channel = ?1 AND
     id <= (SELECT id FROM notices_waiting WHERE channel = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
  );
  return {
    topics: () => topics.all().map(({ key, text }) => ({ key: String(key), text: String(text) })),
    waiting: () =>
      waiting.all().map(({ channel, notice, text }) => ({
        ...{ channel: String(channel), id: String(notice), text: String(text) },
      })),
    keep({ topic, forget: keys, waiting: more }) {
      for (const key of [...keys, topic.key]) forget.run(key);
      putTopic.run(topic.key, topic.text);
      pruneTopics.run(TOPICS_MAX);
      for (const { channel, id, text } of more) {
        dropOne.run(channel, id);
        putWaiting.run(channel, id, text);
        pruneWaiting.run(channel, WAITING_MAX);
      }
    },
    drop(gone) {
      for (const { channel, id } of gone) dropOne.run(channel, id);
    },
  };
}
