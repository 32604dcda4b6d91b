using System.Collections;
using System.Reflection;

namespace Secrets.Infrastructure.Foundation;

/// <summary>Options and the section that they are bound to.</summary>
internal sealed record BoundSettings(string Section, Type Options)
{
    /// <summary>The settings of the options; a collection has further names below its own.</summary>
    public IEnumerable<KnownSetting> Known => Of(Section, Options, Activator.CreateInstance(Options)!);

    private static IEnumerable<KnownSetting> Of(string section, Type type, object defaults)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(IsBound))
        {
            var (path, kind) = ($"{section}:{property.Name}", Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType);
            if (kind == typeof(string) || kind.IsValueType)
            {
                yield return new KnownSetting(path, IsCollection: false, property.GetValue(defaults));
            }
            else if (kind.IsAssignableTo(typeof(IEnumerable)))
            {
                yield return new KnownSetting(path, IsCollection: true, Default: null);
            }
            else
            {
                foreach (var inner in Of(path, kind, property.GetValue(defaults) ?? Activator.CreateInstance(kind)!))
                {
                    yield return inner;
                }
            }
        }
    }

    // A computed property has no setter; a collection is filled.
    private static bool IsBound(PropertyInfo property) =>
        property.SetMethod is { IsPublic: true } || (property.PropertyType != typeof(string) && property.PropertyType.IsAssignableTo(typeof(IEnumerable)) && !property.PropertyType.IsArray
            && property.PropertyType.IsGenericType && property.PropertyType.GetGenericTypeDefinition() == typeof(IDictionary<,>));
}

/// <summary>A setting of the service.</summary>
/// <param name="Path">Its name, such as <c>Quota:BytesPerOwner</c>.</param>
/// <param name="IsCollection">Whether further names follow.</param>
/// <param name="Default">Its value if it is not set; null: none, or it depends on others.</param>
internal sealed record KnownSetting(string Path, bool IsCollection, object? Default)
{
    /// <summary>Whether a name of the configuration is this setting or an item of it.</summary>
    public bool Is(string name) =>
        string.Equals(name, Path, StringComparison.OrdinalIgnoreCase) || (IsCollection && name.StartsWith($"{Path}:", StringComparison.OrdinalIgnoreCase));
}
