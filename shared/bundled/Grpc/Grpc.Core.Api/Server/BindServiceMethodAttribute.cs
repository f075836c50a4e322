using Grpc.Core.Utils;

namespace Grpc.Core;

/// <summary>Says, on a generated service base class, which method binds it.</summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = false, Inherited = true)]
public class BindServiceMethodAttribute : Attribute
{
    public BindServiceMethodAttribute(Type bindType, string bindMethodName)
    {
        BindType = GrpcPreconditions.CheckNotNull(bindType, nameof(bindType));
        BindMethodName = GrpcPreconditions.CheckNotNull(bindMethodName, nameof(bindMethodName));
    }

    public Type BindType { get; }

    public string BindMethodName { get; }
}
