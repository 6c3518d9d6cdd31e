/**
 * Who must act on an error:
 * `caller` corrects the request, `retry` may succeed unchanged, `terminal` needs an operator, `bug` needs us.
 */
export type Disposition = 'caller' | 'retry' | 'terminal' | 'bug';

export interface ErrorRow {
  /** HTTP status of the answer, where the error reaches a client. */
  readonly status: number;
  readonly disposition: Disposition;
  /** Exit code of a process that ends with the error, where it does not follow from the disposition. */
  readonly exitCode?: 69;
  /** One sentence for docs/reference/errors.md. */
  readonly meaning: string;
}

/** Every error code of the product. Status, retries, log level and exit code follow from its row. */
export const errorTable = {
  badRequest: { status: 400, disposition: 'caller', meaning: 'The request is malformed or breaks a rule.' },
  missingField: { status: 400, disposition: 'caller', meaning: 'A required field or header is missing.' },
  invalidEnumValue: { status: 400, disposition: 'caller', meaning: 'The value is not one of the allowed ones.' },
  invalidLength: { status: 400, disposition: 'caller', meaning: 'The text or list is too short or too long.' },
  invalidRange: { status: 400, disposition: 'caller', meaning: 'The number is out of range.' },
  invalidFieldType: { status: 400, disposition: 'caller', meaning: 'A parameter has the wrong type.' },
  missingPayload: { status: 400, disposition: 'caller', meaning: 'The operation needs a body.' },
  decodePayload: { status: 400, disposition: 'caller', meaning: 'The body is not the JSON that the operation expects.' },
  unsupportedMediaType: { status: 415, disposition: 'caller', meaning: 'The content type cannot be read here.' },
  masterTokenRequired: { status: 401, disposition: 'caller', meaning: 'The token is not a master token.' },
  tokenInvalid: { status: 401, disposition: 'caller', meaning: 'The token is missing, unknown or revoked.' },
  forbidden: { status: 403, disposition: 'caller', meaning: 'The token may not do this.' },
  endpointNotFound: { status: 404, disposition: 'caller', meaning: 'No operation has this path.' },
  routeNotFound: { status: 404, disposition: 'caller', meaning: 'No ingest route has this path.' },
  noSourceFound: { status: 404, disposition: 'caller', meaning: 'Project, source and secret do not belong together.' },
  disabledSource: { status: 404, disposition: 'caller', meaning: 'The source is disabled.' },
  sourceNotFound: { status: 404, disposition: 'caller', meaning: 'The source does not exist in the branch.' },
  sinkNotFound: { status: 404, disposition: 'caller', meaning: 'The sink does not exist in the source.' },
  deletedSourceNotFound: { status: 404, disposition: 'caller', meaning: 'The branch has no deleted source with this id.' },
  deletedSinkNotFound: { status: 404, disposition: 'caller', meaning: 'The source has no deleted sink with this id.' },
  sourceVersionNotFound: { status: 404, disposition: 'caller', meaning: 'The source has no such version.' },
  sinkVersionNotFound: { status: 404, disposition: 'caller', meaning: 'The sink has no such version.' },
  sliceNotFound: { status: 404, disposition: 'caller', meaning: 'There is no such slice, or its local parts are gone.' },
  quarantinedFileNotFound: { status: 404, disposition: 'caller', meaning: 'There is no such file in quarantine.' },
  userNotFound: { status: 404, disposition: 'caller', meaning: 'The user is not registered.' },
  sessionNotFound: { status: 404, disposition: 'caller', meaning: 'There is no such session.' },
  taskNotFound: { status: 404, disposition: 'caller', meaning: 'The task does not exist, or is gone after its retention time.' },
  methodNotAllowed: { status: 405, disposition: 'caller', meaning: 'The path exists, the method does not.' },
  requestTimeout: { status: 408, disposition: 'caller', meaning: 'The request did not arrive in time.' },
  sourceAlreadyExists: { status: 409, disposition: 'caller', meaning: 'The branch has an active source with this id.' },
  sinkAlreadyExists: {
    status: 409,
    disposition: 'caller',
    meaning:
      'The source has an active sink with this id: read or change that one, or take another id. With the whole key in the message: an operation on it runs or has just run; wait for its task first.',
  },
  branchCountLimitReached: { status: 409, disposition: 'caller', meaning: 'The project has as many branches as it may have.' },
  sourceCountLimitReached: { status: 409, disposition: 'caller', meaning: 'The branch has as many sources as it may have.' },
  sinkCountLimitReached: { status: 409, disposition: 'caller', meaning: 'The source has as many sinks as it may have.' },
  versionCountLimitReached: { status: 409, disposition: 'caller', meaning: 'The entity has as many versions as it may have.' },
  operationInProgress: {
    status: 409,
    disposition: 'caller',
    meaning: 'Another operation held the entity for all of the 30 seconds that this one waited; repeat it.',
  },
  tablesNotDropped: {
    status: 409,
    disposition: 'terminal',
    meaning: 'The source is deleted for good, but some of its tables are still there; the message says which and why.',
  },
  bodyTooLarge: { status: 413, disposition: 'caller', meaning: 'The request body is over the limit.' },
  payloadTooLarge: { status: 413, disposition: 'caller', meaning: 'The row is over the limit.' },
  unprocessableContent: { status: 422, disposition: 'caller', meaning: 'A column has no value in this record.' },
  headerTooLarge: { status: 431, disposition: 'caller', meaning: 'The request headers are over the limit.' },
  tooManyRequests: { status: 429, disposition: 'retry', meaning: 'A limit of requests or bytes is reached.' },
  internalError: { status: 500, disposition: 'bug', meaning: 'Something unexpected happened; the log has it under the exception id.' },
  writeFailed: { status: 500, disposition: 'retry', meaning: 'At least one sink did not store the record.' },
  shutdown: { status: 503, disposition: 'retry', meaning: 'The node is shutting down.' },
  overloaded: { status: 503, disposition: 'retry', meaning: 'The queues of this node are full.' },
  noOpenedSliceFound: { status: 503, disposition: 'retry', meaning: 'The sink has no slice that takes rows at the moment.' },
  appendInDoubt: { status: 503, disposition: 'retry', meaning: 'The writer did not say whether it stored the rows.' },
  appendRefused: { status: 503, disposition: 'retry', meaning: 'The writer refused the rows; they are surely not stored.' },
  diskFull: { status: 503, disposition: 'retry', meaning: 'The volume has no room.' },
  diskFailed: { status: 503, disposition: 'retry', meaning: 'A write or sync of the disk failed.' },
  metadataUnavailable: { status: 503, disposition: 'retry', meaning: 'The metadata store does not answer.' },
  storageApiUnavailable: {
    status: 503,
    disposition: 'retry',
    meaning: 'The Storage API, which knows the tokens, does not answer as it should.',
  },
  metadataCompacted: { status: 503, disposition: 'retry', meaning: 'The watched revision is gone; list and watch again.' },
  leaseLost: { status: 503, disposition: 'retry', meaning: 'The lease has expired.' },
  transactionConflict: { status: 503, disposition: 'retry', meaning: 'Others changed the same entity again and again.' },
  objectNotFound: { status: 404, disposition: 'terminal', meaning: 'The staged object does not exist.' },
  objectChanged: { status: 409, disposition: 'terminal', meaning: 'A staged object is not as it was uploaded.' },
  objectsUnavailable: { status: 503, disposition: 'retry', meaning: 'The object store does not answer.' },
  tablesUnavailable: { status: 503, disposition: 'retry', meaning: 'The table engine does not answer.' },
  tableMismatch: { status: 409, disposition: 'terminal', meaning: 'The table cannot take the columns.' },
  importMismatch: { status: 409, disposition: 'terminal', meaning: 'The ledger knows the import id with other values.' },
  importRejected: { status: 409, disposition: 'terminal', meaning: 'The engine refuses the file.' },
  ownerUnavailable: {
    status: 503,
    disposition: 'retry',
    meaning: 'The process that holds the data folder does not answer at its engine socket.',
  },
  seriesUnavailable: { status: 503, disposition: 'retry', meaning: 'The store of time series does not answer.' },
  seriesMismatch: {
    status: 409,
    disposition: 'terminal',
    meaning: 'The store of time series is not as it must be, or does not let us in; the message says what to mend.',
  },
  usageUnavailable: {
    status: 503,
    disposition: 'retry',
    meaning: 'The store of users and usage does not answer; the message says what it said.',
  },
  logUnavailable: { status: 503, disposition: 'retry', meaning: 'The log does not answer. Records given to it are surely not appended.' },
  logInDoubt: { status: 503, disposition: 'retry', meaning: 'The log did not say whether it appended the records.' },
  logTimeout: { status: 504, disposition: 'retry', meaning: 'The log did not answer in time; the events may be stored, now or later.' },
  logDenied: { status: 503, disposition: 'terminal', meaning: 'The log refuses the login, the certificate or the operation.' },
  logTopicNotFound: { status: 404, disposition: 'terminal', meaning: 'The topic does not exist, or was created anew.' },
  logOffsetOutOfRange: {
    status: 409,
    disposition: 'terminal',
    meaning: 'The partition has no such offset: its records are gone by retention, or the offset is beyond the end.',
  },
  logRecordTooLarge: { status: 413, disposition: 'caller', meaning: 'A record is over the limit of the log.' },
  viewerRefused: {
    status: 403,
    disposition: 'caller',
    meaning: 'The server of channels turns the viewer away; the message has its words.',
  },
  viewerDisordered: {
    status: 502,
    disposition: 'terminal',
    meaning: 'A viewer got packets that were not in order, or no frames at all.',
  },
  configInvalid: { status: 400, disposition: 'caller', meaning: 'The configuration has problems; all are listed.' },
  folderInUse: { status: 409, disposition: 'caller', exitCode: 69, meaning: 'Another process holds the data folder.' },
  folderUnusable: { status: 400, disposition: 'caller', exitCode: 69, meaning: 'The data folder cannot be used.' },
  portUnavailable: { status: 400, disposition: 'caller', exitCode: 69, meaning: 'The address cannot be listened on.' },
  invariantBroken: { status: 500, disposition: 'bug', meaning: 'A state that the design excludes.' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;
