/** Identity of definitions and the metadata keys they live under (see docs/design/10-record-path.md, metadata). */
export interface BranchKey {
  readonly projectId: number;
  readonly branchId: number;
}

export interface SourceKey extends BranchKey {
  readonly sourceId: string;
}

export interface SinkKey extends SourceKey {
  readonly sinkId: string;
}

export const branchKeyText = (key: BranchKey): string => `${key.projectId}/${key.branchId}`;
export const sourceKeyText = (key: SourceKey): string => `${branchKeyText(key)}/${key.sourceId}`;
export const sinkKeyText = (key: SinkKey): string => `${sourceKeyText(key)}/${key.sinkId}`;

export const definitionPrefix = {
  activeBranch: 'definition/branch/active/',
  activeSource: 'definition/source/active/',
  deletedSource: 'definition/source/deleted/',
  sourceVersion: 'definition/source/version/',
  activeSink: 'definition/sink/active/',
  deletedSink: 'definition/sink/deleted/',
  sinkVersion: 'definition/sink/version/',
} as const;

/** Version keys are zero-padded to 10 digits, so that byte order is number order. */
export const versionKeyText = (number: number): string => String(number).padStart(10, '0');
