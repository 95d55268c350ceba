#!/bin/sh
# Make prosemirror.js and LICENSES.txt from the versions in package-lock.json, byte for byte the same each time.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$here/bundle.js" "$work"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund --silent
npx --no-install esbuild bundle.js --bundle --minify --format=esm --target=es2022 --charset=utf8 \
	--legal-comments=none --log-level=warning --metafile=files.json --outfile="$here/prosemirror.js"
# The licence of each package of which something is in the bundle.
node -e '
const fs = require("fs");
const inputs = Object.keys(JSON.parse(fs.readFileSync("files.json")).inputs);
const names = inputs.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]).filter(Boolean);
const texts = [...new Set(names)].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(fs.readFileSync(`${folder}/package.json`));
  const file = fs.readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  return `${name} ${version} (${license})\n\n${fs.readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
});
process.stdout.write(texts.join(`\n${"-".repeat(80)}\n\n`));
' > "$here/LICENSES.txt"
cd "$here"
sha256sum LICENSES.txt build.sh bundle.js package-lock.json package.json prosemirror.js > SHA256SUMS
