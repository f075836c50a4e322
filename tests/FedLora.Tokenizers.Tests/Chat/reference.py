"""Writes reference.json: what Python's jinja2 makes of chat templates, set up as transformers sets it up (utils/chat_template_utils.py).

usage: reference.py FOLDER...   each FOLDER holds model folders with tokenizer_config.json
"""
import json
import os
import sys

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "weather", "arguments": {"town": "Köln", "days": 2, "hot": False, "wind": 1.5}}}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells \"it\".",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}}}
USER, ANSWER = {"role": "user", "content": "Hi, who are you?"}, {"role": "assistant", "content": "  A model.\n"}
CONVERSATIONS = {
    "one": ([USER], None),
    "two": ([USER, ANSWER], None),
    "system": ([{"role": "system", "content": "Be terse. "}, USER, ANSWER, {"role": "user", "content": "日本 \U0001f642 'q' \"d\" <b>"}, {"role": "assistant", "content": "ok"}], None),
    "thinking": ([USER, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes."}, {"role": "user", "content": "And?"}, {"role": "assistant", "content": "<think>\nso\n</think>\n\nNo."}], None),
    "reasoning": ([USER, {"role": "assistant", "content": "Yes.", "reasoning_content": "a thought"}], None),
    "tools": ([USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "abcdefghi", "content": "12 °C"}, {"role": "assistant", "content": "Cool."}], [TOOL]),
    "no-alternation": ([USER, USER], None),
}
SNIPPETS = [
    "a\n{% if true %}\nb\n  {% endif %}\nc\n", "  {%- if 1 -%}  x  {%- endif %}  y", "{# c #}\n z {{- ' q' -}}  w", "{%+ if true %} k\n{% endif +%}\nl", "  {{ 1 }}\n  {% set a = 2 %}\n{{ a }}",
    "{% for x in [1,2,3] if x != 2 %}{{ loop.index }}/{{ loop.length }}:{{ x }}{{ ',' if not loop.last }}{% else %}none{% endfor %}",
    "{% for x in [] %}{% else %}none{% endfor %}{% for k, v in {'b': 1, 'a': [true, none, 1.0]}.items() %}{{ k ~ v }}{% endfor %}",
    "{% set ns = namespace(n=0) %}{% for x in range(5) %}{% if x == 3 %}{% break %}{% endif %}{% if x == 1 %}{% continue %}{% endif %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}",
    "{% macro f(a, b='x') %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f('q', b=2) }}", "{% set t %} hello {% endset %}{{ t|trim|upper }}",
    "{{ 'abc'[::-1] }}{{ 'abc'[-1] }}{{ [1,2,3,4][1:-1] }}{{ 'aXbXc'.split('X')[-1] }}{{ 'a b  c'.split() }}{{ 'aXbXc'.split('X', 1) }}{{ 'aXbXc'.rsplit('X', 1) }}",
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 }} {{ 1 + 2 * 3 }} {{ -2 ** 2 }} {{ 'a' * 3 }} {{ 1 == 1.0 }} {{ true == 1 }}",
    "{{ x is defined }} {{ x }} {{ (x | default('d')) }} {{ '' | default('e', true) }} {{ none is none }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ 3 is divisibleby 3 }} {{ 3 is odd }}",
    "{{ 'a' in 'cab' }} {{ 'a' not in ['b'] }} {{ 1 < 2 < 3 }} {{ not false and true or false }} {{ 'y' if false else 'n' }}{{ 'y' if false }}",
    "{{ {'a': [1, 2.5, 'ü\"\\n', none, true], 'b': {}} | tojson }}\n{{ {'b': [1, {'c': []}], 'a': 'x'} | tojson(indent=2) }}",
    "{{ [{'r': 'u', 'n': 1}, {'r': 'a', 'n': 2}, {'n': 3}] | selectattr('r', 'equalto', 'u') | map(attribute='n') | list }}{{ [{'r': 1}, {}] | selectattr('r', 'defined') | list | length }}{{ [{'r': 1}, {}] | rejectattr('r') | list | length }}",
    "{{ ['b', 'a', 'b'] | unique | join('-') }}{{ [3, 1, 2] | sort | first }}{{ [1, 2] | sum }}{{ 'x y' | title }}{{ 'xY' | capitalize }}{{ 'abc' | length }}{{ '\U0001f642b' | length }}{{ '\U0001f642b'[1] }}",
    "{{ 'a\nb' | indent(2) }}|{{ ['a', 'b'] | last }}|{{ 'aaa' | replace('a', 'b', 2) }}|{{ '3' | int + 1 }}|{{ '2.5' | float }}|{{ 5 | string + 'x' }}|{{ [1, 2] | reverse | list }}|{{ 'ab' | reverse }}",
    "{{ {'items': 1}.items is callable }}{{ {'a': 1}.get('b', 2) }}{{ {'a': 1}['a'] }}{{ {'a': 1}.a }}{{ {'a': {'b': 2}}.a.b }}{{ {'k': 'v'} }}{{ ['it\\'s', \"q\"] }}{{ (1, 2)[1] }}",
    "{{ ' x\n'.strip() }}{{ 'xxaxx'.strip('x') }}{{ '\\n\\na'.lstrip('\\n') }}{{ 'Ab'.lower() }}{{ 'ab'.startswith('a') }}{{ 'ab'.endswith(('x', 'b')) }}{{ 'ab'.find('b') }}{{ 'a,b'.replace(',', '') }}",
    "{% raw %}{{ x }}{% endraw %}{% generation %}g{% endgeneration %}{% set a, b = [1, 2] %}{{ a }}{{ b }}{% if a is defined and b is not none %}!{% elif a %}?{% else %}-{% endif %}",
    "{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}{% endif %}{{ x }}{{ 'a' 'b' }}{{ [1,][0] }}{{ 1_000 }}{{ '\\u00e9' }}",
]
BROKEN = ["{{ x.y.z }}", "{{ 1 + 'a' }}", "{{ raise_exception('no') }}", "{% for x in 5 %}{% endfor %}", "{{ [1].append(2) }}", "{{ 1 / 0 }}"]


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


def token(config, role):
    value = config.get(role)
    return value.get("content") if isinstance(value, dict) else value


def render(source, **names):
    try:
        return environment().from_string(source).render(**names)
    except Exception:
        return None


def main():
    cases = []
    for root in sys.argv[1:]:
        for name in sorted(os.listdir(root)):
            path = os.path.join(root, name, "tokenizer_config.json")
            config = json.load(open(path, encoding="utf-8")) if os.path.exists(path) else {}
            if not isinstance(config.get("chat_template"), str):
                continue
            special = {role: token(config, role) for role in ("bos_token", "eos_token", "pad_token", "unk_token") if token(config, role)}
            for case, (messages, tools) in CONVERSATIONS.items():
                for prompt in (False, True):
                    cases.append({"model": name, "case": case, "prompt": prompt,
                                  "text": render(config["chat_template"], messages=messages, tools=tools, documents=None, add_generation_prompt=prompt, **special)})
    json.dump({"jinja2": jinja2.__version__, "conversations": {name: {"messages": messages, "tools": tools} for name, (messages, tools) in CONVERSATIONS.items()},
               "models": cases, "snippets": [{"template": s, "text": render(s)} for s in SNIPPETS + BROKEN]},
              open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.json"), "w", encoding="utf-8"), ensure_ascii=False, indent=1)


main()
