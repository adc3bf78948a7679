# SPDX-License-Identifier: LGPL-2.1-or-later
[ -r /lab/inside/welcome ] && [ -t 0 ] && . /lab/inside/welcome
