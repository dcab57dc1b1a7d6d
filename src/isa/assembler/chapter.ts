/** The chapter of the manual about programs as text; its example is assembled by a test. */

/** A whole program that shows the language. */
export const exampleProgram = `; Adds two rows of numbers, eight times over.
.data left                          ; at the next free address, a multiple of 64
    .f32 1.0, 2.5, -3, 0x10, random(12, 7)
.data right = 0x2000                ; or at this one
    .f32 repeat(8, 0.5), ramp(8, 0, 0.25)
.reserve result, 64 * 8             ; zero at the start, may be written

.const ELEMENTS = 16
.reg times = r1
.reg where = r2

    dma.load space=act, format=float32, local=0, remote=left, elements=ELEMENTS, rows=1, remoteStride=0, localPitch=0
    dma.load act, float32, ELEMENTS, right, ELEMENTS, 1, 0, 0 @post(vector)
    li times, 8
    li where, result
    vector.sync @wait(dma)
again:
    vector.add dst=0, a=0, b=ELEMENTS, rows=1, elements=ELEMENTS, pitch=ELEMENTS @post(dma)
    dma.store act, float32, 0, where, ELEMENTS, 1, 0, 0 @wait(vector) @post(vector)
    add where, where, 64
    vector.sync @wait(dma)          ; the row must be stored before it is added to again
    loop times, again
    halt
`;

export const assemblerChapter = `## Programs as text

One instruction, label or directive to a line; \`;\` begins a comment. \`lutra asm\` makes a program image of it.

\`\`\`text
${exampleProgram}\`\`\`

### Instructions
\`name operand, …, operand=value, … @wait(unit, …) @post(unit, …)\`: operands by position, in the order of the tables
above, then by name. Flags that are not given are off; every other operand is needed.

| operand | is written |
|---|---|
| register written | \`r0\` … \`r31\`, or an alias |
| any operand marked *register* | also \`r5\`, \`r5+16\`, \`r5-4\`; the offset may be an expression; it has 27 bits, sign included |
| integer, count, address | an expression; a float where a signed integer is expected gives the bits of its float32 |
| float32 | an expression, rounded to float32; \`bits(0x7fc00000)\` gives a bit pattern |
| instruction | a label, or an expression |
| choice | its name |
| flags | names joined by \`\\|\`, or \`none\` |

### Expressions
Integers \`64\`, \`0x40\`, \`0b1000\`, \`1_000_000\`; floats \`1.5\`, \`1.5f\`, \`3f\`, \`1e-5\`; names; brackets; loosest first \`|\`, \`&\`,
\`<< >>\`, \`+ -\`, \`* / %\`, then signs. Integer division truncates; an integer beside a float becomes a float. A label is
the index of its instruction, the name of a segment its byte address. With a hardware model, its fields and derived
quantities are constants: \`hw.matmul.columns\`, \`derived.blockInputs\`, \`derived.ternary.wordBytes\`.

### Directives
| directive | meaning |
|---|---|
| \`.const NAME = expression\` | a constant; may use those above it, and every label |
| \`.reg NAME = r7\` | another name for a register |
| \`.data NAME\`, \`.data NAME = ADDRESS\` | begins a segment with contents; addresses are multiples of 64 |
| \`.i8 .u8 .i16 .u16 .i32 .u32 .f16 .bf16 .f32\` | elements, little-endian, separated by commas |
| \`.trits\` | weights −1, 0, 1, five to a byte, the first most significant, padded to a whole byte |
| \`.bits\` | 0 and 1, eight to a byte, first bit least significant, padded to a whole byte |
| \`.ternaryWords\`, \`.binaryWords\` | the digits of whole weight words, column by column, as \`weightBuffer.load\` wants them: lines that follow each other are one tile, in slices; needs a hardware model |
| \`.tile\` | between such lines: the next ones begin another tile |
| \`.align BYTES\` | zeros up to a multiple of this, counted from the segment’s start |
| \`.reserve NAME, BYTES\`, \`.reserve NAME = ADDRESS, BYTES\` | a segment of zeros, which the program may write |
| \`.command WORDS\` | the host’s command block at address 0 with room for this many prompt tokens |
| \`.code ADDRESS\` | where the code goes, a multiple of 4096; else behind everything else |

An element is an expression or one of \`repeat(length, value)\`, \`ramp(length, first, step)\`, \`random(length, seed)\`,
\`random(length, seed, low, high)\`. Random elements are the hash of seed and position that the sampler uses; without a
range they are all values of the element type, for floats −1 to 1. Segments without an address begin at 4096.

### Errors
All faults of a source are reported together, \`error[ASM007] file:line:column message (hint)\`.

| code | fault |
|---|---|
| ASM001 | a character or number that cannot be read |
| ASM002 | unknown instruction |
| ASM003, ASM004, ASM005, ASM006 | operand unknown, given twice, missing, too many or without a name after one with a name |
| ASM007 | value out of range |
| ASM008, ASM009 | name unknown, defined twice or reserved |
| ASM010 | unknown directive |
| ASM011 | syntax |
| ASM012 | wrong kind of value |
| ASM013, ASM014 | unknown choice or flag, unit or synchronisation |
| ASM015 | data outside of a segment, or an empty segment |
| ASM016 | arithmetic: division by zero, shift, overflow |
| ASM017 | segments that overlap or are not aligned |
| ASM018 | no instructions |
| ASM099 | further faults that are not listed |`;
