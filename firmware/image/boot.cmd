# Chooses the slot. The environment lives in two copies of 16 KiB in partition 2, each a CRC, a generation and data,
# as libubootenv writes them; U-Boot's own `env import` knows only CRC and data, so that the generation is moved aside.
# A boot is counted before it is tried: the copy that is not in use is written, so a cut leaves one good copy.
setenv disk "@UBOOT_DISK@"
setenv at_a 0x@WORK_AT@
setexpr at_b ${at_a} + 10000
setexpr at_t ${at_a} + 20000
part start ${disk} 2 block_a
setexpr block_b ${block_a} + 80
@READ@ ${at_a} ${block_a} 20
@READ@ ${at_b} ${block_b} 20

setenv take_a 'cp.b ${at_a} ${at_t} 4; setexpr from ${at_a} + 5; setexpr to ${at_t} + 4; cp.b ${from} ${to} 3ffb; env import -c ${at_t} 3fff BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT'
setenv take_b 'cp.b ${at_b} ${at_t} 4; setexpr from ${at_b} + 5; setexpr to ${at_t} + 4; cp.b ${from} ${to} 3ffb; env import -c ${at_t} 3fff BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT'
setexpr where ${at_a} + 4
setexpr.b gen_a *${where}
setexpr where ${at_b} + 4
setexpr.b gen_b *${where}
setenv valid_a 0
setenv valid_b 0
if run take_b; then setenv valid_b 1; fi
if run take_a; then setenv valid_a 1; fi
# The younger one, by a generation of eight bits that turns over.
setenv current a
if test ${valid_b} = 1; then
  if test ${valid_a} = 0; then setenv current b; fi
  setexpr ahead ${gen_a} + 1
  setexpr ahead ${ahead} "&" ff
  if test ${valid_a} = 1 && test 0x${ahead} -eq 0x${gen_b}; then setenv current b; fi
fi
if test ${current} = b; then run take_b; fi
if test ${valid_a}${valid_b} = 00; then echo "Spillway: no copy of the environment is good; using what it was at first"; fi
test -n "${BOOT_ORDER}" || setenv BOOT_ORDER "A B"
test -n "${BOOT_A_LEFT}" || setenv BOOT_A_LEFT 3
test -n "${BOOT_B_LEFT}" || setenv BOOT_B_LEFT 3

setenv slot
for name in "${BOOT_ORDER}"; do
  if test "x${slot}" != "x"; then
    true
  elif test "x${name}" = "xA"; then
    if test 0x${BOOT_A_LEFT} -gt 0; then setexpr BOOT_A_LEFT ${BOOT_A_LEFT} - 1; setenv slot A; setenv kernel_part 3; setenv root_part 4; fi
  elif test "x${name}" = "xB"; then
    if test 0x${BOOT_B_LEFT} -gt 0; then setexpr BOOT_B_LEFT ${BOOT_B_LEFT} - 1; setenv slot B; setenv kernel_part 5; setenv root_part 6; fi
  fi
done
# Nothing has tries left. Trying once more is better than a device that stays dark.
if test "x${slot}" = "x"; then
  echo "Spillway: no slot has tries left; both get three more"
  setenv BOOT_ORDER "A B"
  setenv BOOT_A_LEFT 2
  setenv BOOT_B_LEFT 3
  setenv slot A
  setenv kernel_part 3
  setenv root_part 4
fi

env export -c -s 3fff ${at_t} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
if test ${current} = a; then
  setenv into ${at_b}; setenv block ${block_b}; setexpr gen ${gen_a} + 1
else
  setenv into ${at_a}; setenv block ${block_a}; setexpr gen ${gen_b} + 1
fi
setexpr gen ${gen} "&" ff
cp.b ${at_t} ${into} 4
setexpr where ${into} + 4
mw.b ${where} ${gen}
setexpr from ${at_t} + 4
setexpr to ${into} + 5
cp.b ${from} ${to} 3ffb
@WRITE@ ${into} ${block} 20

echo "Spillway: slot ${slot}, order ${BOOT_ORDER}, tries left A ${BOOT_A_LEFT} B ${BOOT_B_LEFT}"
setenv bootargs "console=@CONSOLE@ panic=10 quiet spillway.root=@DISK@${root_part} rauc.slot=${slot} @APPEND@"
if @LOAD_KERNEL@ && load ${disk}:${kernel_part} 0x@INITRD_AT@ initrd; then
  @BOOT_COMMAND@ 0x@KERNEL_AT@ 0x@INITRD_AT@:${filesize} 0x@FDT_AT@
fi
echo "Spillway: slot ${slot} does not start"
reset
