/**
 * Who owns which partition: as many for each member as for any other, give or take one, with as few changes of owner as that allows.
 * `owners` are today's, by partition. Members that joined earlier come first.
 */
export function balance<Member>(owners: readonly (Member | undefined)[], members: readonly Member[]): (Member | undefined)[] {
  if (members.length === 0) return owners.map(() => undefined);
  const held = new Map<Member, number>(members.map((member) => [member, 0]));
  for (const owner of owners) if (owner !== undefined && held.has(owner)) held.set(owner, (held.get(owner) ?? 0) + 1);
  // The odd partitions stay with those who have most.
  const ranked = [...members].sort((a, b) => (held.get(b) ?? 0) - (held.get(a) ?? 0));
  const least = Math.floor(owners.length / members.length);
  const odd = owners.length % members.length;
  const room = new Map<Member, number>(ranked.map((member, rank) => [member, least + (rank < odd ? 1 : 0)]));
  const take = (member: Member): boolean => {
    const left = room.get(member) ?? 0;
    if (left > 0) room.set(member, left - 1);
    return left > 0;
  };
  const kept = owners.map((owner) => (owner !== undefined && take(owner) ? owner : undefined));
  return kept.map((owner) => owner ?? members.find(take));
}
