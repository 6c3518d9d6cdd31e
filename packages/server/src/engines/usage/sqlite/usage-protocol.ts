import type { ErrorCode } from '../../../kernel/errors/error-table.ts';
import type {
  PacketRun,
  PacketsPage,
  PacketsQuery,
  PagedUsageQuery,
  RegisteredUser,
  SessionHour,
  StoredRange,
  UsagePage,
  UsageQuery,
  UsageRange,
  UsageSum,
  UserHoursPage,
} from '../usage-store.ts';

interface Call<Input, Output> {
  readonly input: Input;
  readonly output: Output;
}

/** What the thread of the database is asked. */
export interface UsageCalls {
  readonly addUser: Call<RegisteredUser, boolean>;
  readonly findUser: Call<string, RegisteredUser | undefined>;
  readonly removeUser: Call<string, boolean>;
  readonly writeRanges: Call<readonly UsageRange[], undefined>;
  readonly sumUsage: Call<UsageQuery, readonly UsageSum[]>;
  readonly listSessions: Call<PagedUsageQuery, UsagePage<SessionHour>>;
  readonly listRanges: Call<PagedUsageQuery, UsagePage<StoredRange>>;
  readonly listUserHours: Call<{ readonly after?: string; readonly limit: number }, UserHoursPage>;
  readonly logPackets: Call<readonly PacketRun[], undefined>;
  readonly listPackets: Call<PacketsQuery, PacketsPage>;
  readonly forgetExpired: Call<number, undefined>;
  readonly probe: Call<undefined, undefined>;
  readonly close: Call<undefined, undefined>;
}

export type UsageCallName = keyof UsageCalls;

export type UsageQuestion<Name extends UsageCallName = UsageCallName> = {
  [One in Name]: { readonly name: One; readonly input: UsageCalls[One]['input'] };
}[Name];

export type UsageAnswer<Name extends UsageCallName = UsageCallName> = {
  [One in Name]: { readonly name: One; readonly output: UsageCalls[One]['output'] };
}[Name];

export type UsageHandlers = { readonly [Name in UsageCallName]: (input: UsageCalls[Name]['input']) => UsageCalls[Name]['output'] };

export interface UsageWorkerOptions {
  readonly file: string;
  /** 0: for good. */
  readonly rangesMs: number;
  readonly packetsMs: number;
}

export interface UsageRequest {
  readonly id: number;
  readonly question: UsageQuestion;
}

export type UsageWorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'unusable'; readonly message: string }
  | { readonly type: 'answer'; readonly id: number; readonly answer: UsageAnswer }
  | { readonly type: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };

export type AnswerTo<Name extends UsageCallName> = Extract<UsageAnswer, { name: Name }>;

export function isAnswer<Name extends UsageCallName>(answer: UsageAnswer, name: Name): answer is AnswerTo<Name> {
  return answer.name === name;
}
