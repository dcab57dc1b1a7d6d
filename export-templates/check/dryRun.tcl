# Runs a script of a vendor's tool in a plain tclsh: every command that Tcl does not know is written down with its
# arguments instead of being carried out, and gives back what the caller said it gives back. Nothing is written.
#
#   tclsh dryRun.tcl SCRIPT < lines of "COMMAND KIND" and "=PROPERTY VALUE"
#
# Prints a line "@ FILE LINE COMMAND ARGUMENT…" for each call, every word in hexadecimal.
namespace eval dry {
  variable kinds {}
  variable values {}
  variable count 0
  foreach line [split [read stdin] "\n"] {
    if {[string index $line 0] eq "="} {
      dict set values [string range [lindex $line 0] 1 end] [lindex $line 1]
    } elseif {$line ne ""} { dict set kinds [lindex $line 0] [lindex $line 1] }
  }
}

# Where in a script the call stands: the nearest frame that a file has.
proc dry::place {} {
  for {set level [info frame]} {$level > 0} {incr level -1} {
    set frame [info frame $level]
    if {[dict get $frame type] ne "source"} continue
    set file [dict get $frame file]
    if {[file tail $file] ne "dryRun.tcl"} { return [list $file [dict get $frame line]] }
  }
  return [list "" 0]
}

proc dry::record {words} {
  set line "@"
  foreach word [concat [place] $words] { append line " x" [binary encode hex [encoding convertto utf-8 $word]] }
  puts $line
}

# What a vendor's command gives back.
proc dry::result {name arguments} {
  variable kinds
  variable values
  variable count
  switch -- [expr {[dict exists $kinds $name] ? [dict get $kinds $name] : "nothing"}] {
    names {
      # Names that were asked for, with 1 for every asterisk of a pattern that is no bus.
      set names {}
      foreach word $arguments {
        if {[string index $word 0] ne "-"} { lappend names {*}[string map {[*] [*] * 1} $word] }
      }
      return $names
    }
    last { return [lindex $arguments end] }
    object { return "$name[incr count]" }
    property {
      set property [lindex $arguments 0]
      return [expr {[dict exists $values $property] ? [dict get $values $property] : "value"}]
    }
    none { return {} }
    default { return "" }
  }
}

rename unknown dry::tclUnknown
proc unknown {name args} {
  dry::record [concat [list $name] $args]
  return [dry::result $name $args]
}

# Commands of Tcl that would look for what a vendor's tool makes, or change something.
rename package dry::package
proc package {args} {
  if {[lindex $args end-1] eq "qsys" || [lindex $args 1] eq "-exact"} { dry::record [concat package $args]; return 18.0 }
  dry::package {*}$args
}
rename file dry::file
proc file {action args} {
  if {$action in {mkdir copy delete rename}} { dry::record [concat [list "file $action"] $args]; return }
  uplevel 1 [list dry::file $action {*}$args]
}
rename glob dry::glob
proc glob {args} {
  dry::record [concat glob $args]
  return [string map {* 1} [lindex $args end]]
}
rename exit dry::exit
proc exit {args} { error "the script ends the tool" }
proc exec {args} { error "the script runs a program" }

set failed [catch { uplevel #0 [list source [lindex $argv 0]] } message options]
if {$failed} {
  puts stderr "[dict get $options -errorinfo]"
  dry::exit 1
}
