using System.Collections.Concurrent;
using System.Reflection;
using Orleans.Concurrency;

namespace Orleans.Runtime;

/// <summary>What the runtime knows of one method of a grain interface.</summary>
internal sealed class GrainMethod
{
    private static readonly ConcurrentDictionary<MethodInfo, GrainMethod> Known = new();
    private readonly MethodInvoker _invoker;
    private readonly bool[] _immutable;
    private readonly int _cancellation;
    private readonly Func<object, Task<object?>> _await;
    private readonly Func<Task<object?>, object> _promise;

    private GrainMethod(MethodInfo method)
    {
        Name = $"{method.DeclaringType!.Name}.{method.Name}";
        if (method.IsGenericMethod)
            throw new NotSupportedException($"{Name}: generic grain methods are not part of the bundled subset.");
        _invoker = MethodInvoker.Create(method);
        var parameters = method.GetParameters();
        _immutable = [.. parameters.Select(p => p.IsDefined(typeof(ImmutableAttribute)))];
        _cancellation = Array.FindIndex(parameters, p => p.ParameterType == typeof(CancellationToken));
        AlwaysInterleaves = method.IsDefined(typeof(AlwaysInterleaveAttribute));
        ResponseTimeout = method.GetCustomAttribute<ResponseTimeoutAttribute>()?.Timeout;
        (_await, _promise) = Promises.For(method.ReturnType, Name);
    }

    public string Name { get; }

    public bool AlwaysInterleaves { get; }

    public TimeSpan? ResponseTimeout { get; }

    public static GrainMethod Of(MethodInfo method) => Known.GetOrAdd(method, static m => new(m));

    /// <summary>The arguments as the callee gets them: copied, unless immutable.</summary>
    public object?[] Copy(object?[] arguments)
    {
        var copies = new object?[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
            copies[i] = _immutable[i] ? arguments[i] : DeepCopy.Of(arguments[i]);
        return copies;
    }

    public CancellationToken Cancellation(object?[] arguments) => _cancellation < 0 ? default : (CancellationToken)arguments[_cancellation]!;

    public Task<object?> InvokeAsync(object grain, object?[] arguments) => _await(_invoker.Invoke(grain, arguments.AsSpan())!);

    /// <summary>The answer as the method's own return type.</summary>
    public object Promise(Task<object?> answer) => _promise(answer);
}
