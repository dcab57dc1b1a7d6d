/**
 * Defects for the Verilog templates, one expression each: `bench/mutations.ts` builds them all into one machine, switches
 * on one at a time, and sees whether co-simulation notices.
 */

export interface Mutation {
  /** Short and unique; `--only` takes it. */
  readonly name: string;
  /** Of the machine, or the library. */
  readonly unit: string;
  /** Path below `rtl-templates`. */
  readonly file: string;
  /** What an engineer would have done wrong. */
  readonly what: string;
  /** A piece of the template with the expression in « »; without them it is the expression. */
  readonly at: string;
  /** The expression in its place. */
  readonly becomes: string;
  /** How often the piece occurs, once if not given; all of them change. */
  readonly times?: number;
}

type Row = readonly [name: string, what: string, at: string, becomes: string, times?: number];

function of(unit: string, file: string, rows: readonly Row[]): Mutation[] {
  return rows.map(([name, what, at, becomes, times = 1]) => ({ name, unit, file, what, at, becomes, times }));
}

const floats: readonly Mutation[] = [
  ...of('float', 'lib/fp_up.sv', [
    ['round-ties', 'ties go up, not to even', 'up_o     = «low_i[1] & (low_i[2] | low_i[0])»', 'low_i[1]'],
  ]),
  ...of('float', 'lib/fp_pack.sv', [
    ['round-two', 'a significand of 2 or more is rounded at the wrong place', 'two ? up_two_i : up_i', 'up_i'],
  ]),
  ...of('float', 'lib/fp_add.sv', [
    ['add-sticky', 'sticky bit left out of the rounding', 'normal[2] & (normal[3] | («|normal[1:0]»))', 'normal[1]'],
    [
      'add-sticky-carry',
      'the same for a sum with a carry',
      'normal[3] & (normal[4] | («|normal[2:0]»))',
      '|normal[2:1]',
    ],
    [
      'add-borrow',
      'complement without its carry',
      "{{1'b0, aligned} ^ {SUM{opposite_q}}, opposite_q}",
      "{{1'b0, aligned} ^ {SUM{opposite_q}}, 1'b0}",
    ],
    ['add-zero', 'x − x keeps the sign of x', 'sign_a & ~(opposite_a & nothing)', 'sign_a'],
  ]),
  ...of('float', 'lib/fp_shift_jam.sv', [
    ['jam-lost', 'bits that are shifted out are forgotten', 'shifted[0] | lost', 'shifted[0]'],
  ]),
  ...of('float', 'lib/fp_mul.sv', [
    [
      'mul-carry',
      'upper partial product without the carries of the lower',
      "high_m + {{UPPER{1'b0}}, low_m[SIG+LOWER-1:LOWER]}",
      'high_m',
    ],
    ['mul-subnormal', 'a subnormal is taken for a normal number', '!(a_normal & b_normal)', "1'b0"],
  ]),
  ...of('float', 'lib/fp_to_int.sv', [
    ['int-ties', 'ties go away from zero, not to even', 'shifted_s[1] & (shifted_s[0] | shifted_s[2])', 'shifted_s[1]'],
  ]),
  ...of('float', 'lib/fp_from_int.sv', [
    ['from-int-ties', 'ties go down, not to even', 'up = «half & (shifted_s[0] | fraction[0])»', 'half & shifted_s[0]'],
  ]),
  ...of('float', 'lib/fp_convert.sv', [
    [
      'convert-small',
      'a result below the normal numbers is not shifted',
      'lead[AMOUNT-1] ? longer : MAN_I[AMOUNT-1:0]',
      'MAN_I[AMOUNT-1:0]',
    ],
  ]),
  ...of('float', 'lib/fp_exp.sv', [
    ['exp-sticky', 'bits below the round bit are forgotten', '{y[31:6], |y[5:0]}', "{y[31:6], 1'b0}"],
  ]),
  ...of('float', 'lib/fp_exp_table.sv.hbs', [
    ['exp-table', 'a bit of the table is stuck at 0', '.d_i(«value_word»)', "value_word & ~(31'd1 << 10)"],
  ]),
  ...of('float', 'lib/fp_rsqrt.sv', [
    ['rsqrt-odd', 'even and odd exponents change places', 'odd = «!exponent[0]»', 'exponent[0]'],
  ]),
  ...of('float', 'lib/fp_rsqrt_table.sv.hbs', [
    ['rsqrt-table', 'a bit of the table is stuck at 1', '.d_i(«value_word»)', "value_word | (30'd1 << 10)"],
  ]),
  ...of('float', 'lib/fp_reciprocal.sv', [
    [
      'reciprocal-sticky',
      'bits below the round bit are forgotten',
      'significand = «{y[30:5], |y[4:0]}»',
      "{y[30:5], 1'b0}",
    ],
  ]),
  ...of('float', 'lib/fp_reciprocal_table.sv.hbs', [
    ['reciprocal-table', 'a bit of the table is stuck at 0', '.d_i(«slope_word»)', "slope_word & ~(33'd1 << 20)"],
  ]),
  ...of('float', 'lib/fp_quadratic.sv', [
    ['quadratic-round', 'slope is cut off, not rounded', 'curve_q + HALF', 'curve_q'],
  ]),
  ...of('float', 'lib/fp_accumulate.sv', [
    [
      'accumulate-start',
      'partial sums of a row begin with those of the row before',
      "turn_q <= «full_d ? early : 32'b0»",
      'early',
    ],
  ]),
  ...of('float', 'lib/fp_pairs.sv', [
    ['pairs-last', 'a last item of even number is added to nothing', 'youngest : «oldest»', "32'b0"],
  ]),
];

const control: readonly Mutation[] = [
  ...of('frontEnd', 'frontEnd.sv.hbs', [
    ['cache-tag', 'a filled line of the cache always hits', 'filled && tag == pc_q[PC_BITS-1:TAG_LOW]', 'filled'],
    [
      'branch-signed',
      'blt and bge compare without sign',
      '$signed(tested_left) < $signed(tested_right)',
      'tested_left < tested_right',
    ],
    ['min-swap', 'min gives the larger', '({32{is_min}}  & («less ? left : right»))', 'less ? right : left'],
    ['shift-amount', 'shr drops the upper bit of its amount', 'left >> right[4:0]', 'left >> right[3:0]'],
    ['loop-count', 'loop goes round once more', "is_loop && «count != 32'd0»", "count != 32'hffffffff"],
    ['offset-sign', 'offset of a register operand is not sign-extended', '{ {5{«word[32*index+63]»}}', "1'b0"],
    [
      'register-forward',
      'a result on its way to the registers is not forwarded',
      'write_q && word[32*index+32 +: 5] == index_q',
      "1'b0",
    ],
    [
      'load-lane',
      'ld takes the lowest word of its beat',
      "(32'(address_q[31:2]) & (PORT_BITS / 32 - 1)) == lane",
      '0 == lane',
    ],
    ['halt-drain', 'halt does not wait for the units', "is_halt && idle_i != '1", "1'b0"],
    [
      'drain-class',
      'waiting of halt is counted as idle',
      'is_halt ? CLASS_DRAIN : CLASS_WAIT_SAMPLER',
      'is_halt ? CLASS_IDLE : CLASS_WAIT_SAMPLER',
    ],
    ['line-port', 'all lines come through one port', 'if («last_beat») port_q <=', "1'b0"],
    [
      'mailbox-room',
      'mailbox is full one pick too late',
      "32'(picks) + 32'(pick_valid_i) >= MAILBOX_DEPTH",
      "32'(picks) + 32'(pick_valid_i) > MAILBOX_DEPTH",
    ],
  ]),
  ...of('queue', 'lib/unit_control.sv', [
    ['start-late', 'next instruction starts a cycle after the end of the last', '!active_q || done_i', '!active_q'],
    [
      'wait-class',
      'of several missing semaphores the highest is counted',
      'if («missing[unit]») class_o',
      'missing[unit] && !class_o[3]',
    ],
    ['pick-stall', 'pick does not wait for room in the mailbox', '&& «!stall_i»', "1'b1"],
  ]),
  ...of('queue', 'lib/counting_semaphore.sv', [
    ['semaphore-take', 'a take does not count down', "8'hff", "8'h00"],
    ['semaphore-last', 'after the last count one more is available', "count_q[7:1] != 7'd0", "count_q != 8'd0"],
  ]),
  ...of('queue', 'lib/port_arbiter.sv', [
    ['arbiter-priority', 'two units get one port in the same cycle', 'if («ok_o[earlier]» && conflict', "1'b0"],
    [
      'arbiter-handover',
      'a port does not pass to the next instruction of its unit',
      'busy_q & «~held_q[unit*PORTS +: PORTS]»',
      "{PORTS{1'b1}}",
    ],
  ]),
  ...of('queue', 'lib/fifo.sv', [
    ['fifo-follow', 'a word that is pushed as the last one leaves is lost', 'one_q ? data_i : behind', 'behind'],
    [
      'fifo-full',
      'queue is full with one free place',
      "count_q == COUNT_BITS'(DEPTH - 1)",
      "count_q >= COUNT_BITS'(DEPTH - 2)",
    ],
  ]),
  ...of('counters', 'counters.sv.hbs', [
    [
      'count-early',
      'class of the wrong cycle is counted',
      'class_q[4*unit +: 4]',
      'clear_q ? class_q[4*unit +: 4] : class_i[4*unit +: 4]',
    ],
    ['count-carry', 'upper bits of a counter get no carry', 'lower_q[LOWER-1] != upper_q[0]', "1'b0"],
  ]),
  ...of('counters', 'lib/counter_bank.sv', [['count-two', 'counter counts by two', "count + 1'b1", "count + 2'd2"]]),
];

const memory: readonly Mutation[] = [
  ...of('memory', 'lib/burst_walker.sv', [
    [
      'page-start',
      'a burst may cross 4096 bytes',
      'page_left = prepare_q || ends_row_q ? «row_left» : ahead_q',
      "COUNT_BITS'(PAGE_BEATS)",
    ],
    ['page-row', 'a row of one burst may cross 4096 bytes', '!row_room[PAGE_BITS]', "1'b1"],
    [
      'page-behind',
      'a burst that ends a page leaves nothing of the next',
      "behind = «32'(left) <= LIMIT»",
      "32'(left) < LIMIT",
    ],
    [
      'burst-end',
      'a row that ends with a full burst goes on',
      "32'(left_q) <= 32'(reach_q)",
      "32'(left_q) < 32'(reach_q)",
    ],
  ]),
  ...of('memory', 'lib/memory_port.sv', [
    [
      'port-turn',
      'users are served by number, not in turn',
      "(burst_valid_i & preferred_q) != '0 ? burst_valid_i & preferred_q : burst_valid_i",
      'burst_valid_i',
    ],
    ['port-keep', 'a burst that AXI has seen may change before it is taken', 'else if («offered»)', "1'b0"],
    [
      'port-limit',
      'any number of bursts in flight',
      "in_flight_q != SLOT_BITS'(OUTSTANDING) - SLOT_BITS'(issued)",
      "1'b1",
    ],
    ['port-slot', 'the slot of a read comes free later', '|| «read_end» || write_end', "1'b0"],
    ['write-ready', 'a beat counts as written before it is taken', 'wvalid_o && wready_i', 'wvalid_o'],
    ['write-last', 'WLAST a beat early', 'beat_q == write_length', "beat_q + 8'd1 == write_length"],
    [
      'write-answer',
      'an answer goes to who writes now',
      '{bvalid_i && answered, bvalid_i && !answered}',
      '{bvalid_i && writer, bvalid_i && !writer}',
    ],
  ]),
  ...of('transfer', 'lib/transfer.sv', [
    ['load-done', 'a load ends a cycle early', 'done_o    = «last_read_q[2]»', 'last_read_q[1]'],
    ['load-first', 'first result of a load a cycle early', 'first_o   = «first_read_q[2]»', 'first_read_q[1]'],
    ['transfer-port', 'all transfers go through one port', 'else if («start_i») port_q', "1'b0"],
    ['store-wait', 'a write is offered before its data are there', 'open_q <= «!write_i»', "1'b1"],
    ['fetch-room', 'beats are fetched without room for them', "cursor_valid && write_q && «room_q != '0»", "1'b1"],
    ['store-answer', 'a store ends with any answer after its last burst', "«in_flight_q == FLIGHT_BITS'(1)»;", "1'b1"],
    ['moving-class', 'a full cycle of bytes counts twice', "32'(moved_q) > CYCLE_BYTES", "32'(moved_q) >= CYCLE_BYTES"],
    ['first-class', 'waiting for the first data ends a cycle late', '(«first_o || begun_q»)', 'begun_q'],
    [
      'answer-class',
      'waiting for the answer to a write counts as bandwidth',
      "room_q != ROOM_BITS'(QUEUE_DEPTH)",
      "1'b1",
    ],
  ]),
  ...of('transfer', 'lib/row_cursor.sv', [
    ['tail-strobe', 'last beat of a row is written whole', "lane < 32'(bytes_o)", "1'b1"],
  ]),
  ...of('dma', 'dma.sv.hbs', [
    ['store-format', 'float16 and bfloat16 change places', '.bfloat16_i(«bfloat16_q»)', '!bfloat16_q'],
    ['upper-half', 'every beat of float32 goes to the lower half of its chunk', '!half_q && position[0]', "1'b0"],
    ['store-port', 'a store from act does not hold its port', 'push_ports_o[0]  = «push_space == ACT»', "1'b0"],
    ['load-nan', 'a load keeps NaN as they are', 'float = «ONE_NAN»', 'single'],
  ]),
  ...of('weightBuffer', 'weightBuffer.sv.hbs', [
    ['slices-end', 'a load ends with its first slice', '&(ended_q | slice_last)', '|(ended_q | slice_last)'],
    ['load-class', 'a load counts full rate before its first data', 'streaming = «first_out || begun_q»', "1'b1"],
    [
      'slice-stride',
      'a beat in part is left out of a slice',
      "(32'(slice_bytes_q) + PORT_BYTES - 1) >> PORT_LOW",
      "32'(slice_bytes_q) >> PORT_LOW",
    ],
  ]),
  ...of('weightBuffer', 'lib/digit_slice.sv', [
    [
      'half-complement',
      'index of the second half without its complement',
      "minus ? 2'd2 - digits[2*g +: 2] : digits[2*g +: 2]",
      'digits[2*g +: 2]',
    ],
    ['binary-complement', 'the same for binary digits', 'digits ^ {GROUP{minus}}', 'digits'],
    [
      'beat-padding',
      'padding of the last beat is written as words',
      "present_d[i] = «COUNT_BITS'(i) < left_q»",
      "1'b1",
    ],
  ]),
];

const arithmetic: readonly Mutation[] = [
  ...of('matmul', 'lib/lut_add.sv', [
    [
      'tree-sign',
      'sign of the first operand is not passed on to the second',
      'a_minus_i[q] ^ b_minus_i[q]',
      'b_minus_i[q]',
    ],
    ['tree-extend', 'second operand is not sign-extended', '{«b_i[q*WIDTH + WIDTH - 1]»', "1'b0"],
  ]),
  ...of('matmul', 'lib/lut_table.sv', [
    [
      'binary-step',
      'a binary digit grows by its input, not by twice that',
      "{input_now[ENTRY_BITS-2:0], 1'b0}",
      'input_now',
    ],
  ]),
  ...of('matmul', 'lib/lut_sequencer.sv', [
    ['table-half', 'tables are built where they are read', 'half_q <= «!half_q»', 'half_q'],
  ]),
  ...of('matmul', 'matmul.sv.hbs', [
    ['plane-shift', 'planes are not shifted', '<< «tree_plane»', "4'd0"],
    ['sum-forward', 'sums of a short tile are not forwarded', 'base  = («from_recent» ? recent', "1'b0"],
    ['sum-keep', 'accumulate is ignored', '{«!tree_first || accumulate_q», short_q', '!tree_first'],
    [
      'sum-row',
      'every row is added to the sums of the first',
      'sum_row_q   <= {{#if unit.manyRows}}sum_group_q{{else}}«sum_after»{{/if}}',
      'sum_row_q',
    ],
    [
      'input-align',
      'an aligned word takes one byte too many of the word before',
      "i + 32'(offset_3_q) < INPUT_WORD",
      "i + 32'(offset_3_q) <= INPUT_WORD",
    ],
    [
      'build-class',
      'filling of tables is counted as pipeline',
      'else if (pending_q)   class_o = «CLASS_TABLE_BUILD»',
      'CLASS_PIPELINE',
    ],
  ]),
  ...of('buffers', 'buffers.sv.hbs', [
    [
      'sum-straddle',
      'sums that go on in the next word are read from the same',
      "from_word + ACC_ADDRESS_BITS'(«lane < 32'(from_lane)»)",
      "1'b0",
    ],
    [
      'sum-group',
      'sums go to the first lanes of their word',
      "matmul_acc_write_enable_i && lane / COLUMNS == «32'(to_lane) / COLUMNS»",
      '0',
    ],
  ]),
  ...of('vector', 'lib/vector_walker.sv', [
    [
      'head-end',
      'after a head the walk goes on in its upper half',
      '(«head_end_i ? second_o : first_q») + ONE',
      'first_q',
    ],
  ]),
  ...of('vector', 'vector.sv.hbs', [
    [
      'rope-sign',
      'rotation in the other direction',
      'is_rope && !line[AT_SUBTRACT*TAG + PHASE1]',
      'is_rope && line[AT_SUBTRACT*TAG + PHASE1]',
    ],
    [
      'gate-function',
      'silu and relu2 change places',
      '{{operand "vector.dequantiseGate" "function" "words_q"}} == FUNCTION_RELU2',
      '{{operand "vector.dequantiseGate" "function" "words_q"}} != FUNCTION_RELU2',
    ],
    ['row-scale', 'all rows share the last row scale', 'if («scale_valid») write_row_q', "1'b0"],
    [
      'tail-mask',
      'last beat of a row counts whole',
      'in_partial ? ~(ALL_LANES << (in_elements & LANE_MASK)) : ALL_LANES',
      'ALL_LANES',
    ],
    ['accumulate', 'dequantise does not accumulate', "accumulate ? 2'd0 : 2'd1", "2'd1"],
    [
      'levels-late',
      'levels are said to be there a cycle late',
      'last_line_q[0] || «(last_now && is_quantise)», last_now && !is_quantise}',
      "1'b0",
    ],
  ]),
  ...of('vector', 'lib/vector_lane.sv', [
    ['limb-carry', 'high limb without the carry of the low one', "level[15:8] + {7'd0, level[7]}", 'level[15:8]'],
  ]),
  ...of('vector', 'lib/vector_largest.sv', [
    ['largest-first', 'largest magnitude of the row before is kept', '(«late_first_i» || node', "1'b0"],
  ]),
  ...of('vector', 'lib/vector_scale.sv', [
    ['scale-constant', '1/127 off by one unit in the last place', "32'h3c010204", "32'h3c010205"],
    ['smallest-divisor', 'a row of zeros is divided by zero', 'product < SMALLEST', "1'b0"],
  ]),
  ...of('vector', 'lib/vector_inverse.sv', [
    ['inverse-round', '1/n is cut off, not rounded', "{31'd0, «quotient_q[0]»}", "1'b0"],
  ]),
  ...of('vector', 'lib/vector_finite.sv', [
    [
      'finite-nan',
      'a NaN counts as a large number',
      "nan ? 32'd0 : {a_i[31], 31'h7f7fffff}",
      "{a_i[31], 31'h7f7fffff}",
    ],
  ]),
  ...of('vector', 'lib/vector_gate.sv', [
    ['relu-sign', 'relu2 keeps what is negative', 'relu2_i && y_even_late[31]', "1'b0"],
  ]),
];

const sequences: readonly Mutation[] = [
  ...of('attention', 'attention_rows.sv', [
    [
      'window',
      'window one position too short',
      "35'sd0 : «end_q - $signed({3'b0, window_i})»",
      "end_q - $signed({3'b0, window_i}) + 35'sd1",
    ],
    ['sink', 'the first positions are not kept', 'clamp(sink_q, begin2_q)', "{COUNT_BITS{1'b0}}"],
    ['first-run', '`first` does not forget', 'seen_q[row6_q] & «~first_i»', "1'b1"],
  ]),
  ...of('attention', 'attention_items.sv', [
    ['kv-head', 'heads do not share their KV head', 'if («!(|share_q)») begin', "1'b1"],
  ]),
  ...of('attention', 'attention_scores.sv', [
    [
      'maximum',
      'the smallest score is taken for the largest',
      'valid_1_q && («rank_q > maximum_1_q»)',
      'rank_q < maximum_1_q',
    ],
  ]),
  ...of('attention', 'attention_sums.sv', [
    ['partial-used', 'one partial output without values is added', 'pair_q >= used_q', 'pair_q > used_q'],
  ]),
  ...of('attention', 'attention_shape.sv', [
    ['settle', 'maximum settles a cycle longer', '? «combine_q» : LEAST_SETTLE', "combine_q + 1'b1"],
  ]),
  ...of('attention', 'attention.sv.hbs', [
    ['output-clear', 'an output that is not there yet counts', 'rescale_at[PRODUCT] & ~seen_at[PRODUCT]', "1'b0"],
    [
      'unseen-output',
      'what has seen nothing is written all the same',
      'if («seen_at[PRODUCT]») act_write_data_o',
      "1'b1",
      2,
    ],
    [
      'output-port',
      'a run that is not the last holds the write port',
      'push_attend && «push_options[{{choiceIndex "attention.attend" "options" "last"}}]»',
      "1'b1",
    ],
  ]),
  ...of('kvStore', 'kvStore.sv.hbs', [
    [
      'kv-round',
      'keys and values are cut off, not rounded',
      '.LATENCY(CONVERT_LATENCY)\n      ) u_round (\n        .clk_i,\n        .x_i(«chosen_q[lane*32 +: 32]»)',
      "{chosen_q[lane*32 + 16 +: 16], 16'd0}",
    ],
    [
      'kv-tail',
      'last beat of a row is written whole',
      'rounded_valid && rounded_present[element % LANES]',
      'rounded_valid',
    ],
    ['spill-port', 'a spill does not hold the read port', 'push_ports_o[2]  = «push_op_i == SPILL»', "1'b0"],
    ['append-done', 'append ends a cycle early', 'transfer_done || «append_written_qq»', 'append_written_q'],
  ]),
  ...of('sampler', 'sampler_list.sv', [
    [
      'list-ties',
      'of equal logits the later one wins',
      'key_q[32*cell_index +: 32] < key_i',
      'key_q[32*cell_index +: 32] <= key_i',
    ],
  ]),
  ...of('sampler', 'sampler_random.sv', [
    ['random-constant', 'one bit of a factor is wrong', '«SECOND_FACTOR» : FIRST_FACTOR', "SECOND_FACTOR ^ 32'd4"],
  ]),
  ...of('sampler', 'sampler_shortlist.sv', [
    [
      'select-strict',
      'a group that just reaches the limit is left out',
      'append_q & «highest_q >= limit_q»',
      'highest_q > limit_q',
    ],
    ['select-first', 'the largest of a group begins with that of the group before', '«column_q == 0» || key_i', "1'b0"],
    ['select-last', 'a group that the logits end in the middle of is forgotten', 'lower_q & («last_q» | ', "1'b0"],
    ['next-exact', 'exact logits do not raise the limit', 'fold_q && «exact_key_i > limit_q»', "1'b0"],
    ['next-overflow', 'a list that was too short is taken for whole', '«overflow_q» ? OVERFLOW', "1'b0"],
    ['next-position', 'a group is given twice', "end_q ? count_q : «index_4_q + 1'b1»", 'index_4_q'],
  ]),
  ...of('sampler', 'sampler.sv.hbs', [
    [
      'select-sum',
      'the upper of a coarse logit is the lower',
      '.subtract_i({{#if unit.shortlist}}«~select_pipe_q[4]»',
      "1'b1",
    ],
    ['select-nan', 'the upper of a NaN is the lowest', "«sum_valid» ? 32'hffff_ffff", "1'b0"],
    ['draw-first', 'a draw takes the last candidate above the threshold', 'above && «!found_q»', "1'b1"],
    ['top-k', 'topK is ignored', "last_q <= «count[CANDIDATE_BITS-1:0] - 1'b1»", "count_q[CANDIDATE_BITS-1:0] - 1'b1"],
    ['logit-nan', 'a NaN logit is the largest', 'if («not_a_number»)', "1'b0"],
    ['scan-done', 'scan ends a cycle early', 'last_pipe_q[4]', 'last_pipe_q[3]'],
  ]),
];

export const mutations: readonly Mutation[] = [...floats, ...control, ...memory, ...arithmetic, ...sequences];
