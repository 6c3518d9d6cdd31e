#!/bin/sh
# Everything that needs no service: format, lint, types, boundaries, dead code, generated docs, unit tests.
cd "$(dirname "$0")/.." || exit 1
failed=0
step() {
  name=$1
  shift
  start=$(date +%s)
  if "$@"; then state=ok; else state=FAILED; failed=1; fi
  echo "check $name $state $(($(date +%s) - start))s"
}
step lint biome ci --error-on-warnings --colors=off .
step types tsc -p tsconfig.json
step boundaries node tools/check-boundaries.ts
step dead-code knip --no-progress
step docs node tools/generate-docs.ts --check
step unit vitest run --project unit
exit $failed
