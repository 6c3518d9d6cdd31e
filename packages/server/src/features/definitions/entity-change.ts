import { entityHash } from './entity-hash.ts';
import type { Stamp } from './new-definition.ts';
import type { Sink } from './sink.ts';
import type { Source, Version } from './source.ts';

/** Whether an operation named the entity itself or the source that it belongs to. */
export type Addressee = 'itself' | 'source';

interface VersionNote extends Stamp {
  readonly description: string;
}

/** The changed entity as its next version. */
export function nextVersion<Entity extends { readonly version: Version }>(
  entity: Entity,
  { description, at, by }: VersionNote,
): Entity & { readonly version: Version } {
  return { ...entity, version: { number: entity.version.number + 1, hash: entityHash(entity), description, at, by } };
}

/** Together with its source an entity gets no version of its own. */
export function disabledEntity<Entity extends Source | Sink>(entity: Entity, { at, by }: Stamp, addressee: Addressee): Entity {
  if (addressee === 'source') {
    return { ...entity, disabled: { at, by, reason: 'Auto-disabled with the parent source.', directly: false } };
  }
  return nextVersion({ ...entity, disabled: { at, by, reason: 'API', directly: true } }, { description: 'Disabled.', at, by });
}

/** As `disabledEntity`; undefined where the entity is enabled, or was disabled by an operation of the other addressee. */
export function enabledEntity<Entity extends Source | Sink>(
  { disabled, ...entity }: Entity,
  stamp: Stamp,
  addressee: Addressee,
): Omit<Entity, 'disabled'> | undefined {
  if (disabled === undefined || disabled.directly !== (addressee === 'itself')) return undefined;
  return addressee === 'source' ? entity : nextVersion(entity, { description: 'Enabled.', ...stamp });
}

/** A deletion makes no version. */
export const deletedEntity = <Entity extends Source | Sink>(entity: Entity, { at, by }: Stamp, addressee: Addressee): Entity => ({
  ...entity,
  deleted: { directly: addressee === 'itself', at, by },
});

/** As `disabledEntity`; undefined where it was deleted by an operation of the other addressee. */
export function undeletedEntity<Entity extends Source | Sink>(
  { deleted, ...entity }: Entity,
  stamp: Stamp,
  addressee: Addressee,
): Omit<Entity, 'deleted'> | undefined {
  if (deleted?.directly !== (addressee === 'itself')) return undefined;
  return addressee === 'source'
    ? entity
    : nextVersion(entity, { description: `Undeleted to version "${entity.version.number}".`, ...stamp });
}

/** The content of the target as the next version. A rollback neither disables nor enables anything. */
export function rolledBackEntity<Entity extends Source | Sink>(current: Entity, target: Entity, stamp: Stamp): Entity {
  const { version, disabled } = current;
  const description = `Rollback to version "${target.version.number}".`;
  return nextVersion({ ...target, version, disabled, deleted: undefined }, { description, ...stamp });
}
