# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion for suture and suture-vendor; commands and options are read from their own --help, so they cannot drift apart.
_suture_words() {
	local text
	text=$("$@" --help 2>/dev/null)
	# Options in groups are in --help-all alone.
	[[ $text != *--help-all* ]] || text=$("$@" --help-all 2>/dev/null)
	awk '
		/^Usage:$/ { getline; next }
		match($0, /--[a-z][a-z-]*/) { word = substr($0, RSTART, RLENGTH); if (!seen[word]++) print word }
		/^  [a-z][a-z-]* / { print $1 }' <<<"$text"
}

# Kernel profiles: starts of ids, releases, and what they were called at import.
_suture_profiles() {
	local i where=()
	for ((i = 1; i < COMP_CWORD - 1; i++)); do
		[ "${COMP_WORDS[i]}" = --profiles ] || continue
		[ "${COMP_WORDS[i + 1]}" = "=" ] && i=$((i + 1))
		where=(--profiles "${COMP_WORDS[i + 1]}")
	done
	"${COMP_WORDS[0]}" kernel list "${where[@]}" 2>/dev/null | awk '{ print $1; print $2; if ($3 ~ /^[^(]/) print $3 }'
}

# The option that the value being completed belongs to: bash takes "--option=value" apart.
_suture_option() {
	local at=$((COMP_CWORD - 1))
	[[ ${COMP_WORDS[COMP_CWORD]} == "=" || ${COMP_WORDS[at]} != "=" ]] || at=$((at - 1))
	printf '%s' "${COMP_WORDS[at]}"
}

_suture() {
	local current=${COMP_WORDS[COMP_CWORD]} command=() word
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* || $word == */* ]] || command+=("$word")
	done
	word="${command[*]:0:2} $(_suture_option)"
	[ "$current" != "=" ] || current=
	if [[ $word == *" --kernels" ]]; then
		# Of a list, what is behind the last comma.
		mapfile -t COMPREPLY < <(compgen -P "${current%"${current##*,}"}" -W "all $(_suture_profiles)" -- "${current##*,}")
		return
	fi
	if [[ $word == *" --kernel" || $word == *" -K" || ($word == "kernel "@(show|remove)" "* && $current != -*) ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_suture_profiles)" -- "$current")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_suture_words "${COMP_WORDS[0]}" "${command[@]:0:2}")" -- "$current")
	[ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
}
complete -o filenames -F _suture suture suture-vendor
