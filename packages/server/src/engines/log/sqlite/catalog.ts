import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { AppError, errorText } from '../../../kernel/errors/app-error.ts';
import { prepareOwnDatabase } from '../../../kernel/sqlite/own-database.ts';
import type { LogTopic } from '../log-engine.ts';
import type { OffsetCommit } from './log-protocol.ts';
import { integerOf, textOf } from './sqlite-rows.ts';

const format = {
  version: 1,
  schema: `
    CREATE TABLE topics (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE readers (topic_id TEXT NOT NULL, group_name TEXT NOT NULL, PRIMARY KEY (topic_id, group_name)) STRICT, WITHOUT ROWID;
    CREATE TABLE commits (
      topic_id TEXT NOT NULL, group_name TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
      PRIMARY KEY (topic_id, group_name, partition)
    ) STRICT, WITHOUT ROWID
  `,
};
const sqliteBusy = 5;

export interface CatalogTopic {
  readonly topic: LogTopic;
  readonly compacted: boolean;
}

/** What the log knows beside records, in one SQLite file: topics, groups, and what these committed. Its lock is the lock of the folder. */
export class Catalog implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements: Record<StatementName, StatementSync>;

  /** `folderInUse` where another process holds it. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 0 });
    try {
      prepareOwnDatabase(this.#database, format);
      this.#statements = prepareStatements(this.#database);
    } catch (error) {
      this.#database.close();
      const isBusy = error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy;
      if (!isBusy) throw error;
      throw new AppError(
        'folderInUse',
        `The log ${path} is held by another process (${errorText(error)}). Stop that one, choose another folder, or share a log on Kafka.`,
      );
    }
  }

  topics(): CatalogTopic[] {
    return this.#statements.topics.all().map((row) => ({
      topic: { name: textOf(row, 'name'), id: textOf(row, 'id'), partitions: integerOf(row, 'partitions') },
      compacted: integerOf(row, 'compacted') === 1,
    }));
  }

  addTopic({ topic, compacted }: CatalogTopic): void {
    this.#statements.addTopic.run(topic.id, topic.name, topic.partitions, compacted ? 1 : 0);
  }

  removeTopic(topicId: string): void {
    this.#transaction(() => {
      for (const name of ['removeCommits', 'removeReaders', 'removeTopic'] as const) this.#statements[name].run(topicId);
    });
  }

  addReader(group: string, topicId: string): void {
    this.#statements.addReader.run(group, topicId);
  }

  commit(commits: readonly OffsetCommit[]): void {
    this.#transaction(() => {
      for (const { group, topicId, partition, offset } of commits) {
        this.#statements.addReader.run(group, topicId);
        this.#statements.commit.run(group, topicId, partition, offset);
      }
    });
  }

  committed(group: string, { id, partitions }: LogTopic): (number | undefined)[] {
    const offsets: (number | undefined)[] = Array(partitions).fill(undefined);
    for (const row of this.#statements.committed.all(group, id)) offsets[integerOf(row, 'partition')] = integerOf(row, 'next_offset');
    return offsets;
  }

  /** Per partition, the lowest offset that a known group has still to read; undefined where none is known. */
  floors(topic: LogTopic): number[] | undefined {
    const groups = this.#statements.readers.all(topic.id).map((row) => this.committed(textOf(row, 'group_name'), topic));
    if (groups.length === 0) return undefined;
    return Array.from({ length: topic.partitions }, (_, partition) => Math.min(...groups.map((offsets) => offsets[partition] ?? 0)));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #transaction(body: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      body();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function prepareStatements(database: DatabaseSync): Record<StatementName, StatementSync> {
  return {
    topics: database.prepare('SELECT * FROM topics ORDER BY id'),
    addTopic: database.prepare('INSERT INTO topics (id, name, partitions, compacted) VALUES (?, ?, ?, ?)'),
    removeTopic: database.prepare('DELETE FROM topics WHERE id = ?'),
    readers: database.prepare('SELECT group_name FROM readers WHERE topic_id = ?'),
    addReader: database.prepare('INSERT OR IGNORE INTO readers (group_name, topic_id) VALUES (?, ?)'),
    removeReaders: database.prepare('DELETE FROM readers WHERE topic_id = ?'),
    commit: database.prepare(`INSERT INTO commits (group_name, topic_id, partition, next_offset) VALUES (?1, ?2, ?3, ?4)
      ON CONFLICT DO UPDATE SET next_offset = ?4`),
    committed: database.prepare('SELECT partition, next_offset FROM commits WHERE group_name = ? AND topic_id = ?'),
    removeCommits: database.prepare('DELETE FROM commits WHERE topic_id = ?'),
  };
}

type StatementName =
  | 'topics'
  | 'addTopic'
  | 'removeTopic'
  | 'readers'
  | 'addReader'
  | 'removeReaders'
  | 'commit'
  | 'committed'
  | 'removeCommits';
