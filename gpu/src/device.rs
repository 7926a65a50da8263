//! A device that runs kernels in double precision: its buffers, its programs and its errors.

use std::sync::{Arc, Mutex, PoisonError};

/// Kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A graphics processor.
    Gpu,
    /// A software implementation of Vulkan, such as llvmpipe: slow, for tests.
    Software,
}

/// Reasons why a computation on a device fails.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// No device of this kind with double precision; the names of those that were found.
    NoDevice(Vec<String>),
    /// A buffer is larger than the device allows: bytes needed, and bytes allowed.
    TooLarge(u64, u64),
    /// The memory of the device does not suffice.
    OutOfMemory,
    /// A message of the driver.
    Failed(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Error::NoDevice(found) if found.is_empty() => write!(f, "no device with a Vulkan driver is found"),
            Error::NoDevice(found) => {
                write!(f, "no suitable device with double precision is found, only {}", found.join(", "))
            }
            Error::TooLarge(bytes, most) => {
                write!(f, "an array of {bytes} bytes is needed, and the device allows {most} bytes")
            }
            Error::OutOfMemory => write!(f, "the memory of the device does not suffice"),
            Error::Failed(message) => write!(f, "the device fails: {message}"),
        }
    }
}

impl std::error::Error for Error {}

/// A device, ready to run kernels.
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    name: String,
    kind: Kind,
    /// The first error that the driver has reported.
    fault: Arc<Mutex<Option<Error>>>,
}

impl Device {
    /// Opens the first device of this kind, discrete ones before integrated ones.
    ///
    /// # Errors
    /// If there is none, or its driver fails.
    pub fn open(kind: Kind) -> Result<Device, Error> {
        let mut described = wgpu::InstanceDescriptor::new_without_display_handle();
        described.backends = wgpu::Backends::VULKAN;
        let instance = wgpu::Instance::new(described);
        let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN));
        let rank = |a: &wgpu::Adapter| match a.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::VirtualGpu => 1,
            wgpu::DeviceType::IntegratedGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        };
        adapters.sort_by_key(rank);
        let software = |a: &wgpu::Adapter| a.get_info().device_type == wgpu::DeviceType::Cpu;
        let suits = |a: &&wgpu::Adapter| {
            software(a) == (kind == Kind::Software) && a.features().contains(wgpu::Features::SHADER_F64)
        };
        let names = || adapters.iter().map(|a| a.get_info().name).collect();
        let adapter = adapters.iter().find(suits).ok_or_else(|| Error::NoDevice(names()))?;
        let wanted = wgpu::DeviceDescriptor {
            label: Some("ergoseq"),
            required_features: wgpu::Features::SHADER_F64,
            required_limits: adapter.limits(),
            // Whole buffers, without the reserve of an allocator for many small ones.
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) =
            pollster::block_on(adapter.request_device(&wanted)).map_err(|e| Error::Failed(e.to_string()))?;
        let fault = Arc::new(Mutex::new(None));
        let kept = fault.clone();
        device.on_uncaptured_error(Arc::new(move |e: wgpu::Error| {
            let error = match e {
                wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory,
                wgpu::Error::Validation { description, .. } | wgpu::Error::Internal { description, .. } => {
                    Error::Failed(description)
                }
            };
            kept.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }));
        let kept = fault.clone();
        device.set_device_lost_callback(move |reason, message| {
            // A device that is dropped is lost, too.
            if reason != wgpu::DeviceLostReason::Destroyed {
                let error = Error::Failed(format!("it was lost ({message})"));
                kept.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        });
        Ok(Device { device, queue, name: adapter.get_info().name, kind, fault })
    }

    /// The name that the driver gives.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of the device.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The first error that the driver has reported since the last call.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// A buffer of `bytes` bytes for kernels.
    pub(crate) fn buffer(&self, bytes: u64) -> Result<wgpu::Buffer, Error> {
        let limits = self.device.limits();
        let most = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
        if bytes > most {
            return Err(Error::TooLarge(bytes, most));
        }
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        // An array has at least one element, of up to four numbers.
        let described = wgpu::BufferDescriptor { label: None, size: bytes.max(32), usage, mapped_at_creation: false };
        let buffer = self.device.create_buffer(&described);
        self.check()?;
        Ok(buffer)
    }

    /// A buffer with these numbers.
    pub(crate) fn numbers(&self, numbers: &[f64]) -> Result<wgpu::Buffer, Error> {
        let buffer = self.buffer(8 * numbers.len() as u64)?;
        self.write(&buffer, 0, numbers)?;
        Ok(buffer)
    }

    /// Writes numbers from the `first` one of a buffer on.
    pub(crate) fn write(&self, buffer: &wgpu::Buffer, first: u64, numbers: &[f64]) -> Result<(), Error> {
        /// Numbers that are written together: a copy of them is held until the device has them.
        const CHUNK: usize = 1 << 21;
        for (k, chunk) in numbers.chunks(CHUNK).enumerate() {
            let bytes: Vec<u8> = chunk.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.queue.write_buffer(buffer, 8 * (first + (k * CHUNK) as u64), &bytes);
            self.queue.submit([]);
            self.wait()?;
        }
        self.check()
    }

    /// The first `count` numbers of a buffer.
    pub(crate) fn read(&self, buffer: &wgpu::Buffer, count: usize) -> Result<Vec<f64>, Error> {
        let bytes = 8 * count as u64;
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let described = wgpu::BufferDescriptor { label: None, size: bytes.max(16), usage, mapped_at_creation: false };
        let copy = self.device.create_buffer(&described);
        self.check()?;
        let mut encoder = self.encoder();
        encoder.copy_buffer_to_buffer(buffer, 0, &copy, 0, bytes);
        self.submit(encoder)?;
        let slice = copy.slice(..bytes.max(16));
        slice.map_async(wgpu::MapMode::Read, |_| {});
        self.wait()?;
        let view = slice.get_mapped_range().map_err(|e| Error::Failed(e.to_string()))?;
        let number = |eight: &[u8]| eight.try_into().map_or(f64::NAN, f64::from_le_bytes);
        Ok(view.chunks_exact(8).take(count).map(number).collect())
    }

    /// Commands to be submitted.
    pub(crate) fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    /// Submits commands.
    pub(crate) fn submit(&self, encoder: wgpu::CommandEncoder) -> Result<(), Error> {
        self.queue.submit([encoder.finish()]);
        self.check()
    }

    /// Waits until the device has done what was submitted.
    pub(crate) fn wait(&self) -> Result<(), Error> {
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| Error::Failed(e.to_string()))?;
        self.check()
    }

    /// The layout of `count` storage buffers, of which the first `written` may be written.
    pub(crate) fn layout(&self, written: usize, count: usize) -> wgpu::BindGroupLayout {
        let entry = |k: usize| wgpu::BindGroupLayoutEntry {
            binding: k as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only: k >= written },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        };
        let entries: Vec<wgpu::BindGroupLayoutEntry> = (0..count).map(entry).collect();
        let described = wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries };
        self.device.create_bind_group_layout(&described)
    }

    /// Binds buffers in the order of a layout.
    pub(crate) fn bind(&self, layout: &wgpu::BindGroupLayout, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
        let numbered = buffers.iter().enumerate();
        let entries: Vec<wgpu::BindGroupEntry> = numbered
            .map(|(k, buffer)| wgpu::BindGroupEntry { binding: k as u32, resource: buffer.as_entire_binding() })
            .collect();
        let described = wgpu::BindGroupDescriptor { label: None, layout, entries: &entries };
        self.device.create_bind_group(&described)
    }

    /// Compiles a kernel, whose entry point is `main`.
    pub(crate) fn kernel(&self, layout: &wgpu::BindGroupLayout, wgsl: &str) -> Result<wgpu::ComputePipeline, Error> {
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
        let described = wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(layout)],
            ..wgpu::PipelineLayoutDescriptor::default()
        };
        let layout = self.device.create_pipeline_layout(&described);
        let kernel = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: Some(&layout),
            module: &module,
            entry_point: Some("main"),
            // Every kernel writes what it reads.
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..wgpu::PipelineCompilationOptions::default()
            },
            cache: None,
        });
        self.check()?;
        Ok(kernel)
    }
}
