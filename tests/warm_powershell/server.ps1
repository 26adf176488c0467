# The server side of warm_powershell.py: runs one command line of pwsh after the other in this process, so that what
# .NET compiled for one run serves the next ones. Each runs through the entry point of this very host, with a runspace,
# standard input, environment and current folder of its own. Linux only.
param(
    [Parameter(Mandatory)]
    [string] $Socket
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

function New-NativeType {
    $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly('WarmPowerShell', 'Run')
    $type = $assembly.DefineDynamicModule('WarmPowerShell').DefineType('Libc', 'Public')
    foreach ($signature in @(
            , @('open', [int], ([string], [int]))
            , @('dup2', [int], ([int], [int]))
            , @('close', [int], (, [int]))
            , @('setenv', [int], ([string], [string], [int]))
            , @('unsetenv', [int], (, [string]))
        )) {
        $name, $returns, $takes = $signature
        $attributes = 'Public, Static, PinvokeImpl'
        $method = $type.DefinePInvokeMethod(
            $name, 'libc', $attributes, 'Standard', $returns, [type[]] $takes, 'Winapi', 'Ansi')
        $method.SetImplementationFlags('PreserveSig')
    }
    $type.CreateType()
}

# .NET reads the certificate authorities of SSL_CERT_FILE once in a process.
function Get-AuthorityField {
    $store = [System.Security.Cryptography.X509Certificates.X509Store]
    $type = $store.Assembly.GetType("$($store.Namespace).OpenSslCachedSystemStoreProvider", $true)
    foreach ($name in 's_nativeCollections', 's_rootStoreFile', 's_rootStoreDirectories') {
        $field = $type.GetField($name, 'Static, NonPublic')
        if (-not $field -or $field.IsInitOnly) { throw "This .NET keeps the authorities of its first run: $name" }
        $field
    }
}

function Set-StandardInput {
    [CmdletBinding()]
    param([string] $Path)
    $opened = $libc::open($Path, 0)
    if ($opened -lt 0 -or $libc::dup2($opened, 0) -lt 0) { throw "$Path cannot be opened" }
    $null = $libc::close($opened)
    [Console]::SetIn((New-Object System.IO.StreamReader([Console]::OpenStandardInput())))
}

function Set-Environment {
    [CmdletBinding()]
    param($Variables)
    foreach ($name in @([Environment]::GetEnvironmentVariables().Keys)) {
        [Environment]::SetEnvironmentVariable($name, $null)
    }
    foreach ($name in $Variables.Keys) { [Environment]::SetEnvironmentVariable($name, $Variables[$name]) }
    # OpenSSL asks the C library, of which .NET keeps a copy.
    $authority = $Variables['SSL_CERT_FILE']
    if ($authority) {
        $null = $libc::setenv('SSL_CERT_FILE', $authority, 1)
    } else {
        $null = $libc::unsetenv('SSL_CERT_FILE')
    }
    foreach ($field in $authorityFields) { $field.SetValue($null, $null) }
}

$main = [System.Reflection.Assembly]::GetEntryAssembly().EntryPoint
$runspace = [System.Management.Automation.Runspaces.Runspace]::DefaultRunspace
$libc = New-NativeType
$authorityFields = @(Get-AuthorityField)
$client = New-Object System.Net.Sockets.Socket('Unix', 'Stream', 'Unspecified')
$client.Connect((New-Object System.Net.Sockets.UnixDomainSocketEndPoint $Socket))
$stream = New-Object System.Net.Sockets.NetworkStream $client
$reader = New-Object System.IO.StreamReader $stream
while ($null -ne ($line = $reader.ReadLine())) {
    $run = ConvertFrom-Json $line -AsHashtable
    Set-Environment $run.environment
    [Environment]::CurrentDirectory = $run.folder
    Set-StandardInput $run.input
    $code = $main.Invoke($null, @(, [string[]] $run.arguments))
    [System.Management.Automation.Runspaces.Runspace]::DefaultRunspace = $runspace
    [Console]::In.Dispose()
    Set-StandardInput '/dev/null'
    $answer = [System.Text.Encoding]::ASCII.GetBytes("$code`n")
    $stream.Write($answer, 0, $answer.Length)
}
