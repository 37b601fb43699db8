cat "$files/answers" >"$files/plain"
