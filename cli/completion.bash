# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for suture and suture-vendor; commands and options are read from their own --help, so they cannot drift apart.
_suture_words() {
	"$@" --help 2>/dev/null | awk '
		match($0, /--[a-z][a-z-]*/) { print substr($0, RSTART, RLENGTH) }
		/^  [a-z][a-z-]* / { print $1 }'
}

_suture() {
	local current=${COMP_WORDS[COMP_CWORD]} command=() word
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* || $word == */* ]] || command+=("$word")
	done
	if [[ ${command[*]:0:2} == "kernel show" || ${command[*]:0:2} == "kernel remove" ]] && [[ $current != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" kernel list 2>/dev/null | awk '{ print $1, $2 }')" -- "$current")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_suture_words "${COMP_WORDS[0]}" "${command[@]:0:2}")" -- "$current")
	[ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -o filenames -F _suture suture suture-vendor
