using System.Text.Json;

namespace FedLora.Adapters;

/// <summary>Reads the JSON of a safetensors header, token by token so that a key that comes twice is seen.</summary>
internal ref struct SafetensorsHeaderReader(ReadOnlySpan<byte> json, string where)
{
    private Utf8JsonReader _json = new(json, new JsonReaderOptions { MaxDepth = 4 });

    public Dictionary<string, SafetensorsEntry> Tensors { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public void Read()
    {
        Expect(JsonTokenType.StartObject);
        var hasMetadata = false;
        while (NextKey() is { } name)
        {
            if (name != "__metadata__")
            {
                if (!Tensors.TryAdd(name, ReadEntry(name)))
                    throw SafetensorsHeader.Invalid(where, $"lists tensor '{name}' twice");
                continue;
            }
            if (hasMetadata)
                throw SafetensorsHeader.Invalid(where, "has metadata twice");
            hasMetadata = true;
            ReadMetadata();
        }
        if (_json.Read())
            throw SafetensorsHeader.Invalid(where, "has more than one object in its header");
    }

    private void ReadMetadata()
    {
        Expect(JsonTokenType.StartObject);
        while (NextKey() is { } key)
        {
            Expect(JsonTokenType.String);
            if (!Metadata.TryAdd(key, _json.GetString()!))
                throw SafetensorsHeader.Invalid(where, $"has metadata '{key}' twice");
        }
    }

    private SafetensorsEntry ReadEntry(string name)
    {
        Expect(JsonTokenType.StartObject);
        string? dtype = null;
        long[]? shape = null, offsets = null;
        while (NextKey() is { } key)
        {
            var twice = key switch
            {
                "dtype" => dtype is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => true,
            };
            if (twice)
                throw SafetensorsHeader.Invalid(where, $"has '{key}' twice or unasked for in tensor '{name}'");
            if (key == "dtype")
            {
                Expect(JsonTokenType.String);
                dtype = _json.GetString();
            }
            else if (key == "shape")
                shape = ReadNumbers(name);
            else
                offsets = ReadNumbers(name);
        }
        if (dtype is null || shape is null || offsets is not [var start, var end])
            throw SafetensorsHeader.Invalid(where, $"lacks dtype, shape or data_offsets of tensor '{name}'");
        if (!Enum.TryParse<SafetensorsDtype>(dtype, ignoreCase: true, out var type)
            || !dtype.Equals(type.ToString(), StringComparison.OrdinalIgnoreCase))
            throw new FedLoraException("safetensors-dtype", $"'{where}': tensor '{name}' is of type '{dtype}', which is not read here.",
                "Store it as F32, F16, BF16, F64 or an integer type.");
        if (start > end || !Fits(shape, SafetensorsEntry.SizeOf(type), end - start))
            throw SafetensorsHeader.Invalid(where,
                $"gives tensor '{name}' ({dtype} [{string.Join(", ", shape)}]) the bytes {start} to {end}");
        return new SafetensorsEntry(name, type, shape, start, end - start);
    }

    private static bool Fits(long[] shape, int size, long bytes)
    {
        var product = (UInt128)(uint)size;
        foreach (var length in shape)
        {
            product *= (ulong)length;
            if (product > long.MaxValue)
                return false;
        }
        return product == (UInt128)bytes;
    }

    private long[] ReadNumbers(string name)
    {
        Expect(JsonTokenType.StartArray);
        var numbers = new List<long>();
        while (_json.Read() && _json.TokenType == JsonTokenType.Number)
        {
            if (!_json.TryGetInt64(out var number) || number < 0)
                throw SafetensorsHeader.Invalid(where,
                    $"has a size or offset of tensor '{name}' that is negative, too large or no whole number");
            numbers.Add(number);
        }
        return _json.TokenType == JsonTokenType.EndArray ? [.. numbers]
            : throw SafetensorsHeader.Invalid(where, $"has a size or offset of tensor '{name}' that is not a number");
    }

    private string? NextKey()
    {
        if (!_json.Read() || _json.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndObject))
            throw SafetensorsHeader.Invalid(where, "has a header that ends early");
        return _json.TokenType == JsonTokenType.PropertyName ? _json.GetString() : null;
    }

    private void Expect(JsonTokenType type)
    {
        if (!_json.Read() || _json.TokenType != type)
            throw SafetensorsHeader.Invalid(where, $"has {_json.TokenType} in its header where {type} belongs");
    }
}
