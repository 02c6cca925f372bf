// Says what its arguments say, on both outputs, and stays when the last one is "stay".
const words: string[] = process.argv.slice(2)
for (const word of words) console.log(`out ${word}`)
console.error(`err ${process.env['TALKER'] ?? 'nobody'}`)
if (words.at(-1) === 'stay') setInterval(() => undefined, 1000)
if (words.at(-1) === 'fail') throw new Error('as asked')
