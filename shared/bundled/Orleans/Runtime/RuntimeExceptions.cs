using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>A call that was not delivered.</summary>
    public class OrleansMessageRejectionException : OrleansException
    {
        internal OrleansMessageRejectionException(string message)
            : base(message)
        {
        }
    }

    /// <summary>The silo is shutting down.</summary>
    public sealed class SiloUnavailableException(string msg) : OrleansMessageRejectionException(msg);
}

namespace Orleans.Serialization
{
    /// <summary>Base of the serialiser's exceptions.</summary>
    public class SerializerException(string message) : Exception(message);

    /// <summary>A value that crosses a grain call is of a type without <see cref="GenerateSerializerAttribute"/>.</summary>
    public sealed class CodecNotFoundException(string message) : SerializerException(message);
}

namespace Orleans.Storage
{
    /// <summary>A grain asks for a storage that is not registered.</summary>
    public sealed class BadProviderConfigException(string msg) : OrleansException(msg);
}
